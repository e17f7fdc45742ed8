//! What begins with `$`: parameters, substitutions, arithmetic, strings with escapes.

use std::rc::Rc;

use super::{ParseError, Parsed, Parser, word::push};
use crate::command::{
    field,
    syntax::{Parameter, Piece, Word},
};

impl Parser<'_> {
    /// What follows a `$`.
    pub(super) fn dollar(&mut self, pieces: &mut Vec<Piece>, quoted: bool) -> Parsed<()> {
        match self.peek() {
            Some('(') => self.nested(|parser| parser.parenthesis(pieces, quoted)),
            Some('{') => {
                self.at += 1;
                let parameter = self.nested(|parser| parser.braced(quoted))?;
                pieces.push(Piece::Parameter(Rc::new(parameter)));
                Ok(())
            }
            Some('[') => {
                self.at += 1;
                let word = self.nested(|parser| parser.arithmetic("]"))?;
                pieces.push(Piece::Arithmetic(word));
                Ok(())
            }
            Some('\'') if !quoted => {
                self.at += 1;
                let text = self.ansi_string()?;
                pieces.push(Piece::Quoted(text));
                Ok(())
            }
            // `$"…"` is a translated string: the quotes follow as usual.
            Some('"') if !quoted => Ok(()),
            Some(next) if is_special(next) || next.is_ascii_alphanumeric() || next == '_' => {
                let name = self.parameter_name();
                pieces.push(Piece::Parameter(Rc::new(plain(name, quoted))));
                Ok(())
            }
            _ => {
                push(pieces, '$', quoted);
                Ok(())
            }
        }
    }

    fn parenthesis(&mut self, pieces: &mut Vec<Piece>, quoted: bool) -> Parsed<()> {
        if let Some(word) = self.computation()? {
            pieces.push(Piece::Arithmetic(word));
            return Ok(());
        }
        self.expect("(")?;
        let script = self.script()?;
        self.expect(")")?;
        pieces.push(Piece::Substitution {
            script: script.into(),
            quoted,
        });
        Ok(())
    }

    /// `(( … ))`; none if two parentheses open here that are no arithmetic.
    pub(super) fn computation(&mut self) -> Parsed<Option<Word>> {
        let start = self.at;
        if self.no_arithmetic.contains(&start) || !self.takes("((") {
            return Ok(None);
        }
        match self.arithmetic("))") {
            Ok(word) => Ok(Some(word)),
            Err(ParseError::TooDeep) => Err(ParseError::TooDeep),
            Err(_) => {
                self.no_arithmetic.insert(start);
                self.at = start;
                Ok(None)
            }
        }
    }

    /// An expression up to its end mark; what it expands counts, what it computes does not.
    pub(super) fn arithmetic(&mut self, end: &'static str) -> Parsed<Word> {
        self.nested(|parser| {
            let mut pieces = Vec::new();
            let mut open = 0_usize;
            loop {
                if open == 0 && parser.takes(end) {
                    return Ok(Word(pieces));
                }
                match parser.peek().ok_or(ParseError::Missing(end))? {
                    '(' => open += 1,
                    ')' if open == 0 => return Err(ParseError::Missing(end)),
                    ')' => open -= 1,
                    _ => {}
                }
                parser.piece(&mut pieces, Some('"'))?;
            }
        })
    }

    fn parameter_name(&mut self) -> String {
        let mut name = String::new();
        while let Some(next) = self.peek() {
            let is_word = next.is_ascii_alphanumeric() || next == '_';
            let is_alone = name.is_empty() && (is_special(next) || next.is_ascii_digit());
            if !is_word && !is_alone {
                break;
            }
            name.push(next);
            self.at += 1;
            if is_alone {
                break;
            }
        }
        name
    }

    /// `${…}` behind its opening brace.
    fn braced(&mut self, quoted: bool) -> Parsed<Parameter> {
        let mut parameter = plain(String::new(), quoted);
        if self.sees("#") && !self.sees("#}") {
            self.at += 1;
            parameter.length = true;
        } else if self.sees("!") && !self.sees("!}") {
            self.at += 1;
            parameter.indirect = true;
        }
        if self.peek().is_some_and(|next| next.is_ascii_digit()) {
            while self.peek().is_some_and(|next| next.is_ascii_digit()) {
                parameter.name.extend(self.take());
            }
        } else {
            parameter.name = self.parameter_name();
        }
        if parameter.name.is_empty() {
            return Err(ParseError::Missing("}"));
        }
        if self.takes("[") {
            parameter.subscript = self.arithmetic("]")?;
        }
        parameter.operator = self.operator();
        loop {
            match self.peek().ok_or(ParseError::Missing("}"))? {
                '}' => {
                    self.at += 1;
                    return Ok(parameter);
                }
                '"' if quoted => {
                    // Quotes inside of the braces are quotes of their own.
                    self.piece(&mut parameter.argument.0, None)?;
                }
                _ => {
                    let within = quoted.then_some('"');
                    self.piece(&mut parameter.argument.0, within)?;
                }
            }
        }
    }

    fn operator(&mut self) -> String {
        const OPERATORS: &[&str] = &[
            ":-", ":=", ":?", ":+", "##", "%%", "//", "^^", ",,", ":", "-", "=", "?", "+", "#",
            "%", "/", "^", ",", "@", "*",
        ];
        let found = OPERATORS.iter().find(|operator| self.takes(operator));
        found.copied().unwrap_or_default().to_owned()
    }

    /// `$'…'` with its escapes undone.
    fn ansi_string(&mut self) -> Parsed<String> {
        let mut bytes = Vec::new();
        loop {
            let next = *self.chars.get(self.at).ok_or(ParseError::Missing("'"))?;
            self.at += 1;
            match next {
                '\'' => break,
                '\\' => self.ansi_escape(&mut bytes)?,
                letter => bytes.extend(letter.to_string().as_bytes()),
            }
        }
        Ok(field::literal(&String::from_utf8_lossy(&bytes)))
    }

    fn ansi_escape(&mut self, bytes: &mut Vec<u8>) -> Parsed<()> {
        let next = *self.chars.get(self.at).ok_or(ParseError::Missing("'"))?;
        self.at += 1;
        let simple = match next {
            'n' => Some(b'\n'),
            't' => Some(b'\t'),
            'r' => Some(b'\r'),
            'a' => Some(7),
            'b' => Some(8),
            'e' | 'E' => Some(27),
            'f' => Some(12),
            'v' => Some(11),
            _ => None,
        };
        if let Some(byte) = simple {
            bytes.push(byte);
            return Ok(());
        }
        match next {
            'x' => bytes.push(low_byte(self.digits(16, 2))),
            'u' | 'U' => {
                let digits_max = if next == 'u' { 4 } else { 8 };
                let letter = char::from_u32(self.digits(16, digits_max)).unwrap_or('\u{fffd}');
                bytes.extend(letter.to_string().as_bytes());
            }
            '0'..='7' => {
                self.at -= 1;
                bytes.push(low_byte(self.digits(8, 3)));
            }
            'c' => {
                let control = self.chars.get(self.at).map_or(0, |next| *next as u32 & 31);
                self.at += usize::from(self.at < self.chars.len());
                bytes.push(low_byte(control));
            }
            other => bytes.extend(other.to_string().as_bytes()),
        }
        Ok(())
    }

    fn digits(&mut self, radix: u32, digits_max: usize) -> u32 {
        let mut value = 0_u32;
        for _ in 0..digits_max {
            let digit = self
                .chars
                .get(self.at)
                .and_then(|next| next.to_digit(radix));
            let Some(digit) = digit else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        value
    }
}

fn low_byte(value: u32) -> u8 {
    value.to_le_bytes()[0]
}

fn is_special(letter: char) -> bool {
    matches!(letter, '@' | '*' | '#' | '?' | '-' | '$' | '!')
}

fn plain(name: String, quoted: bool) -> Parameter {
    Parameter {
        name,
        quoted,
        indirect: false,
        length: false,
        subscript: Word::default(),
        operator: String::new(),
        argument: Word::default(),
    }
}
