//! Frames: four bytes of length, big-endian, then that many bytes of JSON.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest frame, as the worker has it too.
const LONGEST: u32 = 64 << 20;

/// The frame of a body.
pub(super) fn encode(body: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(body.len())
        .ok()
        .filter(|length| (1..=LONGEST).contains(length))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {} bytes", body.len())))?;
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(body);
    Ok(frame)
}

/// The next body, or nothing at the end of the stream.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; 4];
    match stream.read_exact(&mut header).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(header);
    if !(1..=LONGEST).contains(&length) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).await?;
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_come_back_whole() {
        let mut stream = encode(b"{\"id\":1}").unwrap();
        stream.extend(encode(b"{}").unwrap());
        let mut reader = stream.as_slice();
        assert_eq!(read(&mut reader).await.unwrap().unwrap(), b"{\"id\":1}");
        assert_eq!(read(&mut reader).await.unwrap().unwrap(), b"{}");
        assert_eq!(read(&mut reader).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frame_of_no_sensible_length_is_an_error() {
        for bad in [&[0, 0, 0, 0][..], &[255, 255, 255, 255], &[0, 0, 0, 9, b'{']] {
            let mut reader = bad;
            assert!(read(&mut reader).await.is_err(), "{bad:?}");
        }
        assert!(encode(b"").is_err());
    }
}
