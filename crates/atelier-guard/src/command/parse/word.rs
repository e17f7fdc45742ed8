//! Words: quotes, escapes, and the pieces between them.

use super::{ParseError, Parsed, Parser};
use crate::command::syntax::{Piece, Word};

/// Whether the character ends a word outside of quotes.
pub(super) fn is_meta(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>'
    )
}

pub(super) fn quoted(text: String) -> Word {
    Word(vec![Piece::Quoted(text)])
}

/// Adds a character to the last piece if that is of the same kind.
pub(super) fn push(pieces: &mut Vec<Piece>, letter: char, is_quoted: bool) {
    match pieces.last_mut() {
        Some(Piece::Quoted(text)) if is_quoted => text.push(letter),
        Some(Piece::Plain(text)) if !is_quoted => text.push(letter),
        _ if is_quoted => pieces.push(Piece::Quoted(letter.into())),
        _ => pieces.push(Piece::Plain(letter.into())),
    }
}

impl Parser<'_> {
    /// The word that begins here; none if nothing does.
    pub(super) fn word(&mut self) -> Parsed<Option<Word>> {
        self.nested(|parser| {
            let mut pieces = Vec::new();
            let start = parser.at;
            while let Some(next) = parser.peek() {
                match next {
                    '<' | '>' if parser.at == start && parser.process(&mut pieces)? => {}
                    '?' | '*' | '+' | '@' | '!' if parser.extended_pattern(&mut pieces)? => {}
                    letter if is_meta(letter) => break,
                    _ => parser.piece(&mut pieces, None)?,
                }
            }
            Ok((parser.at > start && !pieces.is_empty()).then_some(Word(pieces)))
        })
    }

    /// `<(…)` or `>(…)`.
    fn process(&mut self, pieces: &mut Vec<Piece>) -> Parsed<bool> {
        if !self.takes("<(") && !self.takes(">(") {
            return Ok(false);
        }
        let script = self.script()?;
        self.expect(")")?;
        pieces.push(Piece::Process(script.into()));
        Ok(true)
    }

    /// `@(a|b)` and its like stand for a pattern.
    fn extended_pattern(&mut self, pieces: &mut Vec<Piece>) -> Parsed<bool> {
        let start = self.at;
        self.at += 1;
        if !self.takes("(") {
            self.at = start;
            return Ok(false);
        }
        let mut open = 1;
        while open > 0 {
            match self.take().ok_or(ParseError::Missing(")"))? {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
        }
        push(pieces, '*', false);
        Ok(true)
    }

    /// One piece outside of double quotes; inside of `${…}` a piece ends before `}`.
    pub(super) fn piece(&mut self, pieces: &mut Vec<Piece>, quoted: Option<char>) -> Parsed<()> {
        let in_quotes = quoted.is_some();
        match self.take() {
            None => {}
            Some('\'') if !in_quotes => {
                let text = self.until_quote()?;
                pieces.push(Piece::Quoted(text));
            }
            Some('"') if !in_quotes => {
                let Word(inner) = self.nested(|parser| parser.text_word(Some('"')))?;
                self.expect("\"")?;
                pieces.push(Piece::Quoted(String::new()));
                pieces.extend(inner);
            }
            Some('\\') => self.escape(pieces, in_quotes),
            Some('`') => {
                let script = self.backquoted()?;
                pieces.push(Piece::Substitution {
                    script: script.into(),
                    quoted: in_quotes,
                });
            }
            Some('$') => self.dollar(pieces, in_quotes)?,
            Some(letter) => push(pieces, letter, in_quotes),
        }
        Ok(())
    }

    fn escape(&mut self, pieces: &mut Vec<Piece>, in_quotes: bool) {
        let Some(next) = self.chars.get(self.at).copied() else {
            push(pieces, '\\', true);
            return;
        };
        self.at += 1;
        if in_quotes && !matches!(next, '$' | '`' | '"' | '\\') {
            push(pieces, '\\', true);
        }
        push(pieces, next, true);
    }

    fn until_quote(&mut self) -> Parsed<String> {
        let rest = &self.chars[self.at..];
        let end = rest
            .iter()
            .position(|next| *next == '\'')
            .ok_or(ParseError::Missing("'"))?;
        self.at += end + 1;
        Ok(rest[..end].iter().collect())
    }

    /// Text in which only `$`, backquotes and backslashes mean something, up to the end mark.
    pub(super) fn text_word(&mut self, end: Option<char>) -> Parsed<Word> {
        let mut pieces = Vec::new();
        loop {
            match self.peek() {
                None if end.is_some() => return Err(ParseError::Missing("\"")),
                None => return Ok(Word(pieces)),
                next if next == end => return Ok(Word(pieces)),
                Some(_) => self.piece(&mut pieces, Some('"'))?,
            }
        }
    }

    fn backquoted(&mut self) -> Parsed<Vec<crate::command::syntax::Item>> {
        let mut text = String::new();
        loop {
            let next = *self.chars.get(self.at).ok_or(ParseError::Missing("`"))?;
            self.at += 1;
            match next {
                '`' => break,
                '\\' => match self.chars.get(self.at) {
                    Some(escaped @ ('`' | '\\' | '$')) => {
                        text.push(*escaped);
                        self.at += 1;
                    }
                    _ => text.push('\\'),
                },
                letter => text.push(letter),
            }
        }
        self.nested(|parser| super::parse_at(&text, parser.depth))
    }
}
