//! Expands words as a shell would: braces, tilde, parameters, substitutions, splitting, patterns.

mod braces;
mod parameter;

use std::rc::Rc;

use crate::command::{
    field::{self, UNKNOWN},
    screen::Screen,
    syntax::{Piece, Word},
};

/// Fields that one word becomes.
const FIELDS_MAX: usize = 256;

/// Bytes of text that an expansion makes.
pub(super) const TEXT_BYTES_MAX: usize = 64 << 10;

/// The fields of a word while they are made.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    open: Option<String>,
}

impl Fields {
    fn push(&mut self, text: &str) {
        let open = self.open.get_or_insert_default();
        if open.len() + text.len() > TEXT_BYTES_MAX {
            open.push(UNKNOWN);
        } else {
            open.push_str(text);
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take()
            && self.done.len() < FIELDS_MAX
        {
            self.done.push(open);
        }
    }

    /// Adds what an expansion outside of quotes became: split, and its patterns alive.
    fn split(&mut self, text: &str, separators: &str) {
        let mut pieces = text.split(|letter| separators.contains(letter));
        if let Some(first) = pieces.next()
            && !first.is_empty()
        {
            self.push(&field::with_patterns(first));
        }
        for piece in pieces {
            self.close();
            if !piece.is_empty() {
                self.push(&field::with_patterns(piece));
            }
        }
    }
}

impl Screen<'_> {
    /// All fields of all words.
    pub(super) fn fields(&mut self, words: &[Word]) -> Vec<String> {
        let mut fields = Vec::new();
        for word in words {
            let expanded = braces::expanded(word);
            if expanded.len() >= braces::WORDS_MAX || braces::is_long(word) {
                self.too_much();
            }
            for word in expanded {
                let mut made = Fields::default();
                self.expand_into(&word, &mut made, true);
                made.close();
                if made.done.len() >= FIELDS_MAX {
                    self.too_much();
                }
                fields.append(&mut made.done);
            }
        }
        fields
    }

    /// The word as one text: not split, and patterns mean themselves.
    pub(super) fn text(&mut self, word: &Word) -> String {
        let mut made = Fields::default();
        self.expand_into(word, &mut made, false);
        made.close();
        made.done.join(" ")
    }

    fn expand_into(&mut self, word: &Word, made: &mut Fields, splits: bool) {
        let separators = self.separators();
        for (at, piece) in word.0.iter().enumerate() {
            match piece {
                Piece::Plain(text) => {
                    let text = if at == 0 {
                        self.tilde(text, word.0.len() == 1)
                    } else {
                        text.clone()
                    };
                    let text = if splits {
                        field::with_patterns(&text)
                    } else {
                        text
                    };
                    made.push(&text);
                }
                Piece::Quoted(text) => made.push(text),
                Piece::Arithmetic(word) => {
                    let text = self.text(word);
                    self.computed(&text);
                    made.push("0");
                }
                Piece::Process(script) => {
                    let path = self.process(script);
                    made.push(&path);
                }
                Piece::Substitution { script, quoted } => {
                    let output = self.substitution(script);
                    if *quoted || !splits {
                        made.push(&output);
                    } else {
                        made.split(&output, &separators);
                    }
                }
                // Inside of a word, parameters that nobody gave are nothing.
                Piece::Parameter(parameter)
                    if (parameter.name == "@" || parameter.name == "*")
                        && word.0.len() > 1
                        && self.shell.positional.is_none() => {}
                Piece::Parameter(parameter) => {
                    let values = self.parameter(parameter);
                    let apart = parameter.quoted && parameter.is_list();
                    for (at, value) in values.iter().enumerate() {
                        if at > 0 && splits && (apart || !parameter.quoted) {
                            made.close();
                        } else if at > 0 {
                            made.push(" ");
                        }
                        if parameter.quoted || !splits {
                            made.push(value);
                        } else {
                            made.split(value, &separators);
                        }
                    }
                }
            }
        }
    }

    fn separators(&self) -> String {
        let set = self.shell.variables.get("IFS");
        set.map_or(" \t\n".to_owned(), |values| values.concat())
    }

    fn tilde(&self, text: &str, is_whole: bool) -> String {
        let home = self.workspace.home();
        if text == "~" && is_whole {
            return home.to_owned();
        }
        if text == "~+" || text.starts_with("~+/") {
            let folder = self.shell.folder.clone();
            return folder.unwrap_or_else(|| UNKNOWN.into()) + &text[2..];
        }
        match text.strip_prefix('~') {
            Some(rest) if rest.starts_with('/') => format!("{home}{rest}"),
            // Somebody's home is as private as the own one.
            Some(rest) if !rest.is_empty() && is_whole => {
                let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
                if name == "root" {
                    format!("/root/{rest}")
                } else {
                    format!("/home/{name}/{rest}")
                }
            }
            _ => text.to_owned(),
        }
    }

    /// What a substitution prints, without the newlines at its end.
    fn substitution(&mut self, script: &Rc<Vec<crate::command::syntax::Item>>) -> String {
        let before = self.shell.clone();
        let output = self.run(script, "");
        self.shell = before;
        output.trim_end_matches('\n').to_owned()
    }

    /// A process substitution is a file with the output of its commands.
    fn process(&mut self, script: &Rc<Vec<crate::command::syntax::Item>>) -> String {
        let before = self.shell.clone();
        let output = self.run(script, "\0");
        self.shell = before;
        let path = format!("/dev/fd/{}", 63 + self.shell.files.len());
        self.shell.files.insert(path.clone(), output);
        path
    }
}
