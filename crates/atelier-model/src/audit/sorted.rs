//! JSON text with the members of every object in order, sorted without a tree of values: each
//! request of a gateway is one entry of the log.

#[cfg(test)]
mod tests;

use std::ops::Range;

/// Members that most objects have room for.
const MEMBERS_USUAL: usize = 16;

/// A member of an object: its name in the text that is read, and all of it in the one that is
/// written.
type Member = (Range<usize>, Range<usize>);

/// The text with the members of every object sorted by name. It is compact, as a serializer writes
/// it. `None` where it is no such text, or where a name is escaped and must be read to be compared.
pub(super) fn sorted(json: &str) -> Option<String> {
    let mut sorting = Sorting {
        json,
        at: 0,
        written: String::with_capacity(json.len()),
    };
    sorting.value()?;
    (sorting.at == json.len()).then_some(sorting.written)
}

struct Sorting<'j> {
    json: &'j str,
    at: usize,
    written: String,
}

impl Sorting<'_> {
    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.list(),
            b'"' => self.string().map(drop),
            _ => self.scalar(),
        }
    }

    fn object(&mut self) -> Option<()> {
        self.copy(1);
        let begin = self.written.len();
        let mut members: Vec<Member> = Vec::with_capacity(MEMBERS_USUAL);
        while self.peek()? != b'}' {
            if !members.is_empty() {
                self.expect(b',')?;
            }
            let start = self.written.len();
            let name = self.string()?;
            self.expect(b':')?;
            self.value()?;
            members.push((name, start..self.written.len()));
        }
        self.order(begin, members)?;
        self.copy(1);
        Some(())
    }

    /// Puts members that were written from `begin` on into their order.
    fn order(&mut self, begin: usize, mut members: Vec<Member>) -> Option<()> {
        let json = self.json;
        let name = |member: &Member| &json[member.0.clone()];
        if members.iter().any(|member| name(member).contains('\\')) {
            return None;
        }
        if members.is_sorted_by_key(name) {
            return Some(());
        }
        members.sort_by_key(|member| name(member));
        let mut ordered = String::with_capacity(self.written.len() - begin);
        for (_, whole) in members {
            if !ordered.is_empty() {
                ordered.push(',');
            }
            ordered.push_str(&self.written[whole]);
        }
        self.written.truncate(begin);
        self.written.push_str(&ordered);
        Some(())
    }

    fn list(&mut self) -> Option<()> {
        self.copy(1);
        let mut is_first = true;
        while self.peek()? != b']' {
            if !is_first {
                self.expect(b',')?;
            }
            is_first = false;
            self.value()?;
        }
        self.copy(1);
        Some(())
    }

    /// Copies a string; what is between its quotation marks.
    fn string(&mut self) -> Option<Range<usize>> {
        if self.peek()? != b'"' {
            return None;
        }
        let bytes = self.json.as_bytes();
        let mut end = self.at + 1;
        while *bytes.get(end)? != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let inside = self.at + 1..end;
        self.copy(end + 1 - self.at);
        Some(inside)
    }

    /// Copies a number or a word.
    fn scalar(&mut self) -> Option<()> {
        let rest = &self.json.as_bytes()[self.at..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        self.copy(length);
        (length > 0).then_some(())
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.copy(1))
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn copy(&mut self, length: usize) {
        self.written.push_str(&self.json[self.at..self.at + length]);
        self.at += length;
    }
}
