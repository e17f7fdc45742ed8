//! Server-sent events out of bytes that arrive in pieces of any size.

/// The bytes with which a stream may begin to say that it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Takes bytes, gives the data of complete events.
#[derive(Debug, Default)]
pub(crate) struct SseDecoder {
    line: Vec<u8>,
    data: String,
    has_data: bool,
    after_return: bool,
}

impl SseDecoder {
    /// Takes the next bytes and returns the data of each event that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let ends_pair = end == 0 && rest[0] == b'\n' && self.after_return;
            self.after_return = rest[end] == b'\r';
            if !ends_pair {
                self.line.extend_from_slice(&rest[..end]);
                events.extend(self.line_end());
            }
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            self.after_return = false;
            self.line.extend_from_slice(rest);
        }
        events
    }

    /// Bytes that wait for the end of their event.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.line.len() + self.data.len()
    }

    /// The data of an event that was not closed by a blank line before the bytes ended.
    pub(crate) fn finish(mut self) -> Option<String> {
        if !self.line.is_empty() {
            self.field();
        }
        self.dispatch()
    }

    fn line_end(&mut self) -> Option<String> {
        if self.line.is_empty() {
            return self.dispatch();
        }
        self.field();
        None
    }

    /// Reads the collected line; fields other than `data` and comments say nothing that the data
    /// does not repeat.
    fn field(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line);
        let Some(value) = line.strip_prefix(b"data") else {
            return;
        };
        let value = match value {
            [] => value,
            [b':', b' ', rest @ ..] | [b':', rest @ ..] => rest,
            _ => return,
        };
        if self.has_data {
            self.data.push('\n');
        }
        self.data.push_str(&String::from_utf8_lossy(value));
        self.has_data = true;
    }

    fn dispatch(&mut self) -> Option<String> {
        let had_data = std::mem::take(&mut self.has_data);
        let data = std::mem::take(&mut self.data);
        had_data.then_some(data)
    }
}
