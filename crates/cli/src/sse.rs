//! Server-sent events, as the HTML standard lays them down.

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ServerEvent {
    /// Its name; empty when it has none.
    pub(crate) name: String,
    /// Its data; lines are joined by line ends.
    pub(crate) data: String,
}

/// Turns bytes, in whatever pieces they come, into events.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    rest: Vec<u8>,
    event: ServerEvent,
    has_data: bool,
    last_id: Option<String>,
}

impl Decoder {
    /// The id of the last event that had one: where to resume.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Forgets a half event: the connection is a new one.
    pub(crate) fn reconnect(&mut self) {
        self.rest.clear();
        self.event = ServerEvent::default();
        self.has_data = false;
    }

    /// Takes bytes and returns the events that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<ServerEvent> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut from = 0;
        while let Some(length) = self.rest[from..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.rest[from..from + length]).into_owned();
            from += length + 1;
            events.extend(self.line(line.strip_suffix('\r').unwrap_or(&line)));
        }
        self.rest.drain(..from);
        events
    }

    fn line(&mut self, line: &str) -> Option<ServerEvent> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "id" => self.last_id = Some(value.to_owned()),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // Comments keep the connection open; other fields mean nothing to us.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_the_bytes_are_cut() {
        let stream = ": hello\n\nid: 1-0\nevent: log\ndata: gr\u{fc}n\ndata: two\n\nevent: end\r\ndata:\r\n\r\ndata: half";
        for size in 1..stream.len() {
            let mut decoder = Decoder::default();
            let events: Vec<ServerEvent> = stream.as_bytes().chunks(size).flat_map(|piece| decoder.push(piece)).collect();
            let expected = [("log", "gr\u{fc}n\ntwo"), ("end", "")];
            let found: Vec<(&str, &str)> = events.iter().map(|event| (event.name.as_str(), event.data.as_str())).collect();
            assert_eq!(found, expected, "cut into pieces of {size}");
            assert_eq!(decoder.last_id(), Some("1-0"));
        }
    }

    #[test]
    fn a_new_connection_begins_with_a_new_event() {
        let mut decoder = Decoder::default();
        assert!(decoder.push(b"data: half").is_empty());
        decoder.reconnect();
        let events = decoder.push(b"data: whole\n\n");
        assert_eq!(events, [ServerEvent { name: String::new(), data: "whole".to_owned() }]);
    }
}
