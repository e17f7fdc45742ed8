//! A text in its canonical reading: equal readings mean the same.

mod canon;
mod lex;
mod order;

use crate::{Vector, words::Words};

/// Bytes of a text that are read; a longer one is none of a person's questions.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;

/// Words by which two readings of the same kind may differ, on each side.
const UNEXPLAINED_MAX: usize = 2;

/// What a token of a reading counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// What is wanted: how, why, a definition, an example.
    Intent,
    /// A word of content.
    Content,
    /// A word that holds sentences together: negation, quantity, place, person, tense.
    Function,
    /// A name.
    Name,
    /// A number.
    Number,
    /// What counts letter for letter.
    Literal,
    /// The end of a sentence.
    Break,
}

/// One token of a reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl Mark {
    /// It follows the last mark of a sentence.
    fn end() -> Self {
        Self {
            kind: Kind::Break,
            text: String::new(),
        }
    }
}

/// A question as it is compared with others: without what only says how it is asked, and with one
/// word for all that mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Kinds and lengths of the marks, in one piece with their texts: there may be many readings.
    kinds: Box<[(Kind, u16)]>,
    texts: Box<str>,
}

/// Why a question has no reading. It is asked, whatever was asked before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is longer than [`TEXT_BYTES_MAX`].
    #[error("read a question of {bytes} bytes: at most {TEXT_BYTES_MAX} are compared by meaning")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It says nothing.
    #[error("read a question without a word of content")]
    Empty,
    /// Its answer is another one at another time, or should be another one every time.
    #[error("reuse the answer to a question with `{word}` in it")]
    Fleeting {
        /// The word that says so.
        word: String,
    },
}

/// How two readings compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// They mean the same, word for word.
    Same,
    /// They agree in all that is known to decide, but a few plain words are not explained.
    Alike,
    /// They differ.
    Different(Difference),
}

/// In what two readings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// What is wanted of the same thing.
    Intent,
    /// Code, quotations, paths, identifiers, given text.
    Literal,
    /// Numbers.
    Number,
    /// Names.
    Name,
    /// Negation, quantity, place, person or tense.
    Function,
    /// Words of content.
    Words,
    /// Nothing but the order of their words.
    Order,
}

impl Reading {
    /// Reads a text.
    pub fn of(text: &str) -> Result<Self, Unreadable> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Unreadable::TooLong { bytes: text.len() });
        }
        let words = Words::builtin();
        let sentences = lex::sentences(text, words);
        let fleeting = sentences.iter().flat_map(|sentence| &sentence.tokens);
        let mut fleeting = fleeting.filter(|token| token.sort == lex::Sort::Word);
        if let Some(token) = fleeting.find(|token| words.lists("fleeting", &token.text)) {
            let word = token.text.clone();
            return Err(Unreadable::Fleeting { word });
        }
        let is_english = canon::is_english(&sentences, words);
        let mut marks = Vec::new();
        for sentence in sentences {
            let before = marks.len();
            if is_english {
                canon::add(sentence, words, &mut marks);
            } else {
                canon::add_verbatim(&sentence, &mut marks);
            }
            if marks.len() > before {
                marks.push(Mark::end());
            }
        }
        let says = |mark: &Mark| mark.kind != Kind::Break && mark.kind != Kind::Function;
        if !marks.iter().any(says) {
            return Err(Unreadable::Empty);
        }
        Ok(Self::of_marks(&marks))
    }

    fn of_marks(marks: &[Mark]) -> Self {
        let length = |mark: &Mark| u16::try_from(mark.text.len()).unwrap_or(u16::MAX);
        Self {
            kinds: marks.iter().map(|mark| (mark.kind, length(mark))).collect(),
            texts: marks.iter().map(|mark| mark.text.as_str()).collect(),
        }
    }

    /// Its marks, in their order.
    fn marks(&self) -> impl Iterator<Item = (Kind, &str)> {
        let mut rest = &*self.texts;
        self.kinds.iter().map(move |(kind, length)| {
            let (text, after) = rest
                .split_at_checked(usize::from(*length))
                .unwrap_or((rest, ""));
            rest = after;
            (*kind, text)
        })
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        self.texts.len() + size_of_val(&*self.kinds) + size_of::<Self>()
    }

    /// The place of the question among all others.
    pub fn vector(&self) -> Vector {
        Vector::of_marks(self.marks())
    }

    /// How it compares with another.
    pub fn likeness(&self, other: &Self) -> Likeness {
        if self == other {
            return Likeness::Same;
        }
        match self.difference(other) {
            Some(difference) => Likeness::Different(difference),
            None => Likeness::Alike,
        }
    }

    /// In what it is known to differ from another; `None` where only plain words do.
    fn difference(&self, other: &Self) -> Option<Difference> {
        let kinds = [
            (Kind::Literal, Difference::Literal),
            (Kind::Number, Difference::Number),
            (Kind::Name, Difference::Name),
            (Kind::Intent, Difference::Intent),
            (Kind::Function, Difference::Function),
            (Kind::Break, Difference::Words),
        ];
        for (kind, difference) in kinds {
            if !self.of_kind(kind).eq(other.of_kind(kind)) {
                return Some(difference);
            }
        }
        let (mine, others) = (self.contents(), other.contents());
        let shared: Vec<&str> = mine
            .iter()
            .filter(|word| others.contains(word))
            .copied()
            .collect();
        let shared_there: Vec<&str> = others
            .iter()
            .filter(|word| mine.contains(word))
            .copied()
            .collect();
        if mine.len() == shared.len() && others.len() == shared_there.len() {
            return Some(Difference::Order);
        }
        let unexplained = (mine.len() - shared.len()).max(others.len() - shared_there.len());
        let is_alike =
            shared == shared_there && unexplained <= UNEXPLAINED_MAX && unexplained <= shared.len();
        (!is_alike).then_some(Difference::Words)
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let of_kind = self.marks().filter(move |mark| mark.0 == kind);
        of_kind.map(|(_, text)| text)
    }

    fn contents(&self) -> Vec<&str> {
        self.of_kind(Kind::Content).collect()
    }
}

#[cfg(test)]
mod tests;
