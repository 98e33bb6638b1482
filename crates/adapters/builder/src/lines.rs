//! Lines of a stream, of bounded length.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads lines; what is longer than the bound is cut, and the line says so.
pub(crate) struct Lines<R> {
    stream: R,
    buffer: Vec<u8>,
    filled: usize,
    at: usize,
    longest: usize,
}

/// One line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) bytes: Vec<u8>,
    pub(crate) was_cut: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(stream: R, longest: usize) -> Self {
        Self { stream, buffer: vec![0; 64 << 10], filled: 0, at: 0, longest }
    }

    /// The next line; `None` at the end of the stream. The last one needs no line end.
    pub(crate) async fn next(&mut self) -> std::io::Result<Option<Line>> {
        let mut line = Line { bytes: Vec::new(), was_cut: false };
        let mut any = false;
        loop {
            if self.at == self.filled {
                self.filled = self.stream.read(&mut self.buffer).await?;
                self.at = 0;
                if self.filled == 0 {
                    return Ok(any.then_some(line));
                }
            }
            any = true;
            let rest = &self.buffer[self.at..self.filled];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = &rest[..end.unwrap_or(rest.len())];
            let room = self.longest - line.bytes.len();
            line.was_cut |= part.len() > room;
            line.bytes.extend_from_slice(&part[..part.len().min(room)]);
            self.at += part.len() + usize::from(end.is_some());
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_lines_are_cut_and_the_next_is_whole() {
        let text = format!("a\n\n{}\nb", "x".repeat(200_000));
        let mut lines = Lines::new(text.as_bytes(), 10);
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            read.push((String::from_utf8(line.bytes).unwrap(), line.was_cut));
        }
        let expected = [("a", false), ("", false), ("xxxxxxxxxx", true), ("b", false)].map(|(text, cut)| (text.to_owned(), cut));
        assert_eq!(read, expected);
    }
}
