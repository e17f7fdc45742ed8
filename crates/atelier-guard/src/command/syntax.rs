//! The tree of a command line: what a shell would read, before anything is expanded.

use std::{cell::OnceCell, rc::Rc};

/// Commands one after the other.
pub(super) type Script = Vec<Item>;

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) in_background: bool,
}

/// Commands joined by `|`.
pub(super) type Pipeline = Vec<Rc<Command>>;

/// One command with its redirections.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) form: Form,
    pub(super) redirections: Vec<Redirection>,
}

/// What a command is made of.
#[derive(Debug)]
pub(super) enum Form {
    Simple {
        assignments: Vec<Assignment>,
        words: Vec<Word>,
    },
    /// `{ …; }`
    Group(Script),
    /// `( … )`
    Subshell(Script),
    /// `if`: every condition and every branch, in the order they stand.
    Choice(Vec<Script>),
    /// `while` and `until`.
    Loop {
        condition: Script,
        body: Script,
    },
    /// `for` and `select`; without words it goes through the positional parameters.
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: Script,
    },
    /// `case`: the word, and each branch.
    Case {
        word: Word,
        branches: Vec<Script>,
    },
    Function {
        name: String,
        body: Rc<Command>,
    },
    /// `(( … ))` and `[[ … ]]`: words that are expanded, nothing that is started.
    Condition(Vec<Word>),
}

/// `name=value`, `name+=value`, `name=(values)`.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) appends: bool,
    pub(super) values: Vec<Word>,
}

/// A redirection of one descriptor.
#[derive(Debug)]
pub(super) struct Redirection {
    /// The number before the operator.
    pub(super) descriptor: Option<u32>,
    pub(super) kind: RedirectionKind,
    pub(super) target: Word,
}

/// What a redirection does.
#[derive(Debug)]
pub(super) enum RedirectionKind {
    Read,
    Write,
    ReadWrite,
    /// `>&` and `<&`.
    Duplicate,
    /// The body is read after the line that names it.
    HereDocument(Rc<OnceCell<Word>>),
    HereString,
}

/// A word: pieces without anything between them.
#[derive(Debug, Default, Clone)]
pub(super) struct Word(pub(super) Vec<Piece>);

/// A piece of a word.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Text outside of quotes: patterns, braces and the tilde mean something here.
    Plain(String),
    /// Text that means itself.
    Quoted(String),
    /// `$name`, `${name…}`
    Parameter(Rc<Parameter>),
    /// `$( … )` and backquotes.
    Substitution { script: Rc<Script>, quoted: bool },
    /// `<( … )` and `>( … )`
    Process(Rc<Script>),
    /// `$(( … ))`
    Arithmetic(Word),
}

/// A parameter and what is done with its value.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) quoted: bool,
    /// `${!name}`
    pub(super) indirect: bool,
    /// `${#name}`
    pub(super) length: bool,
    pub(super) subscript: Word,
    /// What stands between the name and the argument, such as `:-`.
    pub(super) operator: String,
    pub(super) argument: Word,
}
