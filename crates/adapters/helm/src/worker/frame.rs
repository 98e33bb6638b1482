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
    // The stream may end before a frame, not within one.
    if stream.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut header[1..]).await?;
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
    use proptest::prelude::*;

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
        for bad in [&[0, 0, 0, 0][..], &[255, 255, 255, 255], &[0, 0, 0, 9, b'{'], &[0, 0]] {
            let mut reader = bad;
            assert!(read(&mut reader).await.is_err(), "{bad:?}");
        }
        assert!(encode(b"").is_err());
    }

    /// All frames of a stream, and whether it ended well.
    fn read_all(mut stream: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut bodies = Vec::new();
            loop {
                match read(&mut stream).await {
                    Ok(Some(body)) => bodies.push(body),
                    Ok(None) => return (bodies, true),
                    Err(_) => return (bodies, false),
                }
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_stream_is_read_as_frames_or_refused(stream in prop::collection::vec(prop_oneof![3 => 0_u8..3, 1 => any::<u8>()], 0..60)) {
            let (bodies, ended_well) = read_all(&stream);
            let again: Vec<u8> = bodies.iter().flat_map(|body| encode(body).unwrap()).collect();
            prop_assert!(stream.starts_with(&again));
            prop_assert_eq!(ended_well, stream.len() == again.len());
        }

        #[test]
        fn a_stream_that_breaks_off_is_told_from_one_that_ends(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|body| encode(body).unwrap()).collect();
            prop_assert_eq!(read_all(&stream), (bodies.clone(), true));
            let cut = cut.index(stream.len() + 1);
            let ends = bodies.iter().scan(0, |at, body| {
                *at += body.len() + 4;
                Some(*at)
            });
            let is_between_frames = cut == 0 || ends.into_iter().any(|end| end == cut);
            prop_assert_eq!(read_all(&stream[..cut]).1, is_between_frames);
        }
    }
}
