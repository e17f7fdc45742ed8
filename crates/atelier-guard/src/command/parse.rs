//! Reads a command line into its tree, as bash does, in bounded depth.
//!
//! Words are read along with the commands, since what they contain is commands again. Every
//! recursion passes one counter, so no input can exhaust the stack.

mod dollar;
mod word;

use std::{cell::OnceCell, collections::HashSet, rc::Rc};

use thiserror::Error;

use crate::command::syntax::{
    Assignment, Command, Form, Item, Pipeline, Redirection, RedirectionKind, Script, Word,
};

/// Bytes of one command line.
const LINE_BYTES_MAX: usize = 64 << 10;

/// How deep commands and words are nested in each other.
const NESTING_MAX: usize = 60;

/// Why a command line is not read.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParseError {
    #[error("read a line of more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    #[error("read a line nested deeper than {NESTING_MAX} levels")]
    TooDeep,
    #[error("find `{0}`")]
    Missing(&'static str),
    #[error("find a command")]
    NoCommand,
}

type Parsed<T> = Result<T, ParseError>;

/// Words that end a list of commands instead of beginning one.
const CLOSING: &[&str] = &["then", "do", "done", "fi", "elif", "else", "esac", "}"];

/// A here-document whose body is still to come.
struct Pending {
    delimiter: String,
    is_literal: bool,
    strips_tabs: bool,
    body: Rc<OnceCell<Word>>,
}

struct Parser<'t> {
    chars: &'t [char],
    at: usize,
    depth: usize,
    pending: Vec<Pending>,
    /// Where `((` turned out to be no arithmetic, so that nothing is read over and over.
    no_arithmetic: HashSet<usize>,
}

/// Reads a whole command line.
pub(super) fn parse(line: &str) -> Parsed<Script> {
    parse_at(line, 0)
}

fn parse_at(line: &str, depth: usize) -> Parsed<Script> {
    if line.len() > LINE_BYTES_MAX {
        return Err(ParseError::TooLong);
    }
    let chars: Vec<char> = line.chars().collect();
    let mut parser = Parser::new(&chars, depth);
    let script = parser.script()?;
    if parser.peek().is_some() {
        return Err(ParseError::NoCommand);
    }
    Ok(script)
}

/// Reads a text as if it stood in double quotes.
pub(super) fn parse_text(text: &str) -> Parsed<Word> {
    if text.len() > LINE_BYTES_MAX {
        return Err(ParseError::TooLong);
    }
    let chars: Vec<char> = text.chars().collect();
    Parser::new(&chars, 0).text_word(None)
}

impl<'t> Parser<'t> {
    fn new(chars: &'t [char], depth: usize) -> Self {
        Self {
            chars,
            at: 0,
            depth,
            pending: Vec::new(),
            no_arithmetic: HashSet::new(),
        }
    }

    /// The next character; a backslash before a newline joins lines and is passed over.
    fn peek(&mut self) -> Option<char> {
        while self.chars[self.at..].starts_with(&['\\', '\n']) {
            self.at += 2;
        }
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    /// Passes over the text if it comes next, even where lines are joined inside it.
    fn takes(&mut self, text: &str) -> bool {
        let start = self.at;
        for wanted in text.chars() {
            if self.take() != Some(wanted) {
                self.at = start;
                return false;
            }
        }
        true
    }

    fn sees(&mut self, text: &str) -> bool {
        let start = self.at;
        let found = self.takes(text);
        self.at = start;
        found
    }

    fn expect(&mut self, text: &'static str) -> Parsed<()> {
        if self.takes(text) {
            Ok(())
        } else {
            Err(ParseError::Missing(text))
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_MAX {
            return Err(ParseError::TooDeep);
        }
        self.depth += 1;
        let done = read(self);
        self.depth -= 1;
        done
    }

    /// Passes over blanks and a comment, up to the end of the line.
    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r')) {
            self.at += 1;
        }
        if self.peek() == Some('#') {
            // A joined line does not continue a comment.
            while self.chars.get(self.at).is_some_and(|next| *next != '\n') {
                self.at += 1;
            }
        }
    }

    fn skip_lines(&mut self) {
        self.skip_blanks();
        while self.peek() == Some('\n') {
            self.newline();
            self.skip_blanks();
        }
    }

    /// Passes over the end of a line and the here-documents that follow it.
    fn newline(&mut self) {
        self.at += 1;
        for pending in std::mem::take(&mut self.pending) {
            let body = self.here_body(&pending);
            // The cell is new, so it is empty.
            let _ = pending.body.set(body);
        }
    }

    fn here_body(&mut self, pending: &Pending) -> Word {
        let mut text = String::new();
        while self.at < self.chars.len() {
            let rest = &self.chars[self.at..];
            let end = rest.iter().position(|next| *next == '\n');
            let line: String = rest[..end.unwrap_or(rest.len())].iter().collect();
            self.at += end.map_or(rest.len(), |end| end + 1);
            let line = if pending.strips_tabs {
                line.trim_start_matches('\t')
            } else {
                &line
            };
            if line == pending.delimiter {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        let word = if pending.is_literal {
            Ok(word::quoted(text.clone()))
        } else {
            let chars: Vec<char> = text.chars().collect();
            Parser::new(&chars, self.depth + 1).text_word(None)
        };
        word.unwrap_or_else(|_| word::quoted(text))
    }

    /// The plain word that comes next, to be compared with reserved words.
    fn reserved(&mut self) -> String {
        let start = self.at;
        let mut word = String::new();
        while let Some(next) = self.peek() {
            if word::is_meta(next) {
                break;
            }
            word.push(next);
            self.at += 1;
        }
        self.at = start;
        word
    }

    fn takes_reserved(&mut self, word: &str) -> bool {
        self.skip_lines();
        self.reserved() == word && self.takes(word)
    }

    fn expect_reserved(&mut self, word: &'static str) -> Parsed<()> {
        if self.takes_reserved(word) {
            Ok(())
        } else {
            Err(ParseError::Missing(word))
        }
    }

    /// Commands up to something that closes a list.
    fn script(&mut self) -> Parsed<Script> {
        self.nested(|parser| {
            let mut items = Vec::new();
            loop {
                parser.skip_lines();
                if parser.is_closed() {
                    return Ok(items);
                }
                items.push(parser.item()?);
            }
        })
    }

    fn is_closed(&mut self) -> bool {
        match self.peek() {
            None | Some(')') => true,
            Some(';') => self.sees(";;") || self.sees(";&"),
            Some(_) => CLOSING.contains(&self.reserved().as_str()),
        }
    }

    /// A list that must not be empty.
    fn commands(&mut self) -> Parsed<Script> {
        let script = self.script()?;
        if script.is_empty() {
            return Err(ParseError::NoCommand);
        }
        Ok(script)
    }

    fn item(&mut self) -> Parsed<Item> {
        let mut pipelines = vec![self.pipeline()?];
        loop {
            self.skip_blanks();
            if self.takes("&&") || self.takes("||") {
                self.skip_lines();
                pipelines.push(self.pipeline()?);
                continue;
            }
            let in_background = self.sees("&");
            let goes_on =
                in_background || (self.peek() == Some(';') && !self.sees(";;") && !self.sees(";&"));
            if goes_on {
                self.at += 1;
            } else if !matches!(self.peek(), None | Some('\n' | ')' | ';'))
                && !CLOSING.contains(&self.reserved().as_str())
            {
                return Err(ParseError::Missing(";"));
            }
            return Ok(Item {
                pipelines,
                in_background,
            });
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        loop {
            self.skip_blanks();
            let reserved = self.reserved();
            if reserved == "!" {
                self.at += 1;
            } else if reserved == "time" {
                let _ = self.takes("time");
                self.skip_blanks();
                if self.reserved() == "-p" {
                    let _ = self.takes("-p");
                }
            } else {
                break;
            }
        }
        let mut commands = vec![self.command()?];
        loop {
            self.skip_blanks();
            if self.sees("||") || !self.takes("|") {
                return Ok(commands);
            }
            let _ = self.takes("&");
            self.skip_lines();
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Parsed<Rc<Command>> {
        self.nested(|parser| {
            parser.skip_blanks();
            let Some(form) = parser.compound()? else {
                return parser.simple().map(Rc::new);
            };
            let mut redirections = Vec::new();
            parser.skip_blanks();
            while let Some(redirection) = parser.redirection()? {
                redirections.push(redirection);
                parser.skip_blanks();
            }
            Ok(Rc::new(Command { form, redirections }))
        })
    }

    fn compound(&mut self) -> Parsed<Option<Form>> {
        if let Some(word) = self.computation()? {
            return Ok(Some(Form::Condition(vec![word])));
        }
        if self.takes("(") {
            let body = self.commands()?;
            self.expect(")")?;
            return Ok(Some(Form::Subshell(body)));
        }
        let reserved = self.reserved();
        let form = match reserved.as_str() {
            "{" => {
                self.expect("{")?;
                let body = self.commands()?;
                self.expect_reserved("}")?;
                Form::Group(body)
            }
            "if" => self.choice()?,
            "while" | "until" => {
                self.at += 5;
                let condition = self.commands()?;
                let body = self.loop_body()?;
                Form::Loop { condition, body }
            }
            "for" | "select" => self.for_loop(&reserved)?,
            "case" => self.case()?,
            "[[" => self.condition()?,
            "function" => {
                let _ = self.takes("function");
                self.skip_blanks();
                let name = self.reserved();
                if name.is_empty() || !self.takes(&name) {
                    return Err(ParseError::NoCommand);
                }
                self.skip_blanks();
                if self.takes("(") {
                    self.skip_blanks();
                    self.expect(")")?;
                }
                self.function(name)?
            }
            "coproc" => {
                let _ = self.takes("coproc");
                Form::Group(vec![self.item()?])
            }
            _ => return Ok(None),
        };
        Ok(Some(form))
    }

    fn choice(&mut self) -> Parsed<Form> {
        self.expect("if")?;
        let mut parts = vec![self.commands()?];
        self.expect_reserved("then")?;
        parts.push(self.commands()?);
        loop {
            if self.takes_reserved("elif") {
                parts.push(self.commands()?);
                self.expect_reserved("then")?;
                parts.push(self.commands()?);
            } else if self.takes_reserved("else") {
                parts.push(self.commands()?);
            } else {
                self.expect_reserved("fi")?;
                return Ok(Form::Choice(parts));
            }
        }
    }

    fn loop_body(&mut self) -> Parsed<Script> {
        if self.takes_reserved("{") {
            let body = self.commands()?;
            self.expect_reserved("}")?;
            return Ok(body);
        }
        self.expect_reserved("do")?;
        let body = self.commands()?;
        self.expect_reserved("done")?;
        Ok(body)
    }

    fn for_loop(&mut self, keyword: &str) -> Parsed<Form> {
        let _ = self.takes(keyword);
        self.skip_blanks();
        if self.takes("((") {
            let header = self.arithmetic("))")?;
            self.skip_blanks();
            let _ = self.takes(";");
            let body = self.loop_body()?;
            return Ok(Form::For {
                name: String::new(),
                words: Some(vec![header]),
                body,
            });
        }
        let name = self.reserved();
        if !is_name(&name) || !self.takes(&name) {
            return Err(ParseError::NoCommand);
        }
        let mut words = None;
        if self.takes_reserved("in") {
            let mut list = Vec::new();
            self.skip_blanks();
            while let Some(word) = self.word()? {
                list.push(word);
                self.skip_blanks();
            }
            words = Some(list);
        }
        self.skip_blanks();
        let _ = self.takes(";");
        let body = self.loop_body()?;
        Ok(Form::For { name, words, body })
    }

    fn case(&mut self) -> Parsed<Form> {
        self.expect("case")?;
        self.skip_blanks();
        let word = self.word()?.ok_or(ParseError::NoCommand)?;
        self.expect_reserved("in")?;
        let mut branches = Vec::new();
        loop {
            if self.takes_reserved("esac") {
                return Ok(Form::Case { word, branches });
            }
            let _ = self.takes("(");
            loop {
                self.skip_blanks();
                self.word()?.ok_or(ParseError::Missing("esac"))?;
                self.skip_blanks();
                if !self.takes("|") {
                    break;
                }
            }
            self.expect(")")?;
            branches.push(self.script()?);
            self.skip_lines();
            if !(self.takes(";;&") || self.takes(";;") || self.takes(";&")) {
                self.expect_reserved("esac")?;
                return Ok(Form::Case { word, branches });
            }
        }
    }

    /// `[[ … ]]`: the words matter, the operators between them do not.
    fn condition(&mut self) -> Parsed<Form> {
        self.expect("[[")?;
        let mut words = Vec::new();
        loop {
            self.skip_lines();
            if self.reserved() == "]]" {
                self.expect("]]")?;
                return Ok(Form::Condition(words));
            }
            match self.peek() {
                None => return Err(ParseError::Missing("]]")),
                Some('(' | ')' | '<' | '>' | '|' | '&' | ';') => self.at += 1,
                Some(_) => words.extend(self.word()?),
            }
        }
    }

    fn function(&mut self, name: String) -> Parsed<Form> {
        self.skip_lines();
        let body = self.command()?;
        Ok(Form::Function { name, body })
    }

    fn simple(&mut self) -> Parsed<Command> {
        let (mut assignments, mut words, mut redirections) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.skip_blanks();
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                continue;
            }
            if words.is_empty()
                && let Some(assignment) = self.assignment()?
            {
                assignments.push(assignment);
                continue;
            }
            let start = self.at;
            let Some(word) = self.word()? else { break };
            let is_first = words.is_empty() && assignments.is_empty();
            if is_first && self.opens_function() {
                let name: String = self.chars[start..self.at].iter().collect();
                self.skip_blanks();
                self.expect("(")?;
                self.skip_blanks();
                self.expect(")")?;
                let name = name.trim().to_owned();
                return Ok(Command {
                    form: self.function(name)?,
                    redirections,
                });
            }
            words.push(word);
            words.extend(self.array_behind()?);
        }
        if words.is_empty() && assignments.is_empty() && redirections.is_empty() {
            return Err(ParseError::NoCommand);
        }
        Ok(Command {
            form: Form::Simple { assignments, words },
            redirections,
        })
    }

    fn opens_function(&mut self) -> bool {
        let start = self.at;
        self.skip_blanks();
        let opens = self.takes("(") && {
            self.skip_blanks();
            self.sees(")")
        };
        self.at = start;
        opens
    }

    /// The values behind `declare name=`.
    fn array_behind(&mut self) -> Parsed<Vec<Word>> {
        if self.peek() == Some('(') && self.at > 0 && self.chars[self.at - 1] == '=' {
            return self.array();
        }
        Ok(Vec::new())
    }

    fn array(&mut self) -> Parsed<Vec<Word>> {
        self.expect("(")?;
        let mut values = Vec::new();
        loop {
            self.skip_lines();
            if self.takes(")") {
                return Ok(values);
            }
            values.push(self.word()?.ok_or(ParseError::Missing(")"))?);
        }
    }

    fn assignment(&mut self) -> Parsed<Option<Assignment>> {
        let start = self.at;
        let mut name = String::new();
        while let Some(next) = self.peek()
            && (next.is_ascii_alphanumeric() || next == '_')
        {
            name.push(next);
            self.at += 1;
        }
        if !is_name(&name) {
            self.at = start;
            return Ok(None);
        }
        if self.peek() == Some('[') {
            // The subscript is a word of its own; what it starts is found with the value.
            while let Some(next) = self.take()
                && next != ']'
            {
                if word::is_meta(next) {
                    self.at = start;
                    return Ok(None);
                }
            }
        }
        let appends = self.takes("+=");
        if !appends && !self.takes("=") {
            self.at = start;
            return Ok(None);
        }
        let values = if self.peek() == Some('(') {
            self.array()?
        } else {
            vec![self.word()?.unwrap_or_default()]
        };
        Ok(Some(Assignment {
            name,
            appends,
            values,
        }))
    }

    fn redirection(&mut self) -> Parsed<Option<Redirection>> {
        let start = self.at;
        while self.peek().is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start && self.peek() == Some('{') {
            while let Some(next) = self.take()
                && next != '}'
            {
                if next != '{' && next != '_' && !next.is_ascii_alphanumeric() {
                    break;
                }
            }
        }
        let digits: String = self.chars[start..self.at].iter().collect();
        let Some(operator) = self.redirection_operator() else {
            self.at = start;
            return Ok(None);
        };
        self.skip_blanks();
        let from = self.at;
        let target = self
            .word()?
            .ok_or(ParseError::Missing("a redirection's target"))?;
        let kind = match operator {
            "<<-" | "<<" => {
                let raw: String = self.chars[from..self.at].iter().collect();
                self.here_document(&raw, operator == "<<-")
            }
            "<<<" => RedirectionKind::HereString,
            "<>" => RedirectionKind::ReadWrite,
            ">&" | "<&" => RedirectionKind::Duplicate,
            "<" => RedirectionKind::Read,
            _ => RedirectionKind::Write,
        };
        Ok(Some(Redirection {
            descriptor: digits.parse().ok(),
            kind,
            target,
        }))
    }

    fn redirection_operator(&mut self) -> Option<&'static str> {
        const OPERATORS: &[&str] = &[
            "<<<", "<<-", "<<", "<>", "<&", "<", "&>>", "&>", ">>", ">&", ">|", ">",
        ];
        if self.sees("<(") || self.sees(">(") {
            return None;
        }
        OPERATORS
            .iter()
            .copied()
            .find(|operator| self.takes(operator))
    }

    fn here_document(&mut self, raw: &str, strips_tabs: bool) -> RedirectionKind {
        let body = Rc::new(OnceCell::new());
        self.pending.push(Pending {
            delimiter: raw.replace(['\'', '"', '\\'], ""),
            is_literal: raw.contains(['\'', '"', '\\']),
            strips_tabs,
            body: Rc::clone(&body),
        });
        RedirectionKind::HereDocument(body)
    }
}

/// Whether this names a variable.
pub(super) fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|next| next.is_ascii_alphanumeric() || next == '_')
}
