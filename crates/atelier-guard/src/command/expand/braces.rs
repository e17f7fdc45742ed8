//! `{a,b}` and `{1..3}`: one word becomes several.

use crate::command::syntax::{Piece, Word};

/// Numbers or letters of one range; those behind them differ in nothing that matters.
const RANGE_MAX: usize = 32;

/// Bytes of text in which braces are looked for.
const BRACES_BYTES_MAX: usize = 1024;

/// Words that one word becomes.
pub(super) const WORDS_MAX: usize = 256;

/// A character outside of quotes, or a piece that braces leave whole.
#[derive(Clone)]
enum Atom {
    Char(char),
    Piece(Piece),
}

/// The words that the braces of a word stand for.
pub(super) fn expanded(word: &Word) -> Vec<Word> {
    let has_braces = word.0.iter().any(|piece| match piece {
        Piece::Plain(text) => text.contains('{'),
        Piece::Quoted(_)
        | Piece::Parameter(_)
        | Piece::Substitution { .. }
        | Piece::Process(_)
        | Piece::Arithmetic(_) => false,
    });
    if !has_braces || is_long(word) {
        return vec![word.clone()];
    }
    let mut open = vec![atoms(word)];
    let mut done = Vec::new();
    // Every round replaces one pair of braces, and no more words than the maximum are kept.
    while let Some(next) = open.pop() {
        match alternatives(&next) {
            Some(words) if open.len() + done.len() + words.len() <= WORDS_MAX => {
                open.extend(words.into_iter().rev());
            }
            // Too many: the caller sees that by their number.
            Some(_) => {
                let mut words = vec![word.clone()];
                words.resize(WORDS_MAX, Word::default());
                return words;
            }
            None => done.push(joined(next)),
        }
    }
    done
}

/// Whether a word has braces in more text than is looked through.
pub(super) fn is_long(word: &Word) -> bool {
    word.0.iter().any(|piece| match piece {
        Piece::Plain(text) => text.len() > BRACES_BYTES_MAX && text.contains('{'),
        Piece::Quoted(_)
        | Piece::Parameter(_)
        | Piece::Substitution { .. }
        | Piece::Process(_)
        | Piece::Arithmetic(_) => false,
    })
}

fn atoms(word: &Word) -> Vec<Atom> {
    let mut atoms = Vec::new();
    for piece in &word.0 {
        if let Piece::Plain(text) = piece {
            atoms.extend(text.chars().map(Atom::Char));
        } else {
            atoms.push(Atom::Piece(piece.clone()));
        }
    }
    atoms
}

fn joined(atoms: Vec<Atom>) -> Word {
    let mut pieces: Vec<Piece> = Vec::new();
    for atom in atoms {
        match (atom, pieces.last_mut()) {
            (Atom::Char(letter), Some(Piece::Plain(text))) => text.push(letter),
            (Atom::Char(letter), _) => pieces.push(Piece::Plain(letter.into())),
            (Atom::Piece(piece), _) => pieces.push(piece),
        }
    }
    Word(pieces)
}

/// The words for the first braces that stand for several; none if there are none.
fn alternatives(atoms: &[Atom]) -> Option<Vec<Vec<Atom>>> {
    let opens = |at: &usize| matches!(atoms[*at], Atom::Char('{'));
    (0..atoms.len()).filter(opens).find_map(|start| {
        let (end, commas) = closing(atoms, start)?;
        let inner: Vec<Vec<Atom>> = if commas.is_empty() {
            range(&atoms[start + 1..end])?
        } else {
            let mut from = start + 1;
            let mut parts = Vec::new();
            for to in commas.into_iter().chain([end]) {
                parts.push(atoms[from..to].to_vec());
                from = to + 1;
            }
            parts
        };
        let around = |part: Vec<Atom>| [&atoms[..start], &part, &atoms[end + 1..]].concat();
        Some(inner.into_iter().map(around).collect())
    })
}

/// Where braces close, and the commas directly inside them.
fn closing(atoms: &[Atom], start: usize) -> Option<(usize, Vec<usize>)> {
    let (mut open, mut commas) = (0_usize, Vec::new());
    for (at, atom) in atoms.iter().enumerate().skip(start) {
        match atom {
            Atom::Char('{') => open += 1,
            Atom::Char('}') if open == 1 => return Some((at, commas)),
            Atom::Char('}') => open -= 1,
            Atom::Char(',') if open == 1 => commas.push(at),
            Atom::Char(_) | Atom::Piece(_) => {}
        }
    }
    None
}

fn range(atoms: &[Atom]) -> Option<Vec<Vec<Atom>>> {
    let text: Option<String> = atoms
        .iter()
        .map(|atom| match atom {
            Atom::Char(letter) => Some(*letter),
            Atom::Piece(_) => None,
        })
        .collect();
    let text = text?;
    let (first, last) = text.split_once("..")?;
    let chars = |text: String| text.chars().map(Atom::Char).collect();
    if let (Ok(first), Ok(last)) = (first.parse::<i32>(), last.parse::<i32>()) {
        let (low, high) = (first.min(last), first.max(last));
        let numbers = (low..=high).take(RANGE_MAX);
        return Some(numbers.map(|number| chars(number.to_string())).collect());
    }
    let (first, last) = (first.chars().next()?, last.chars().next()?);
    let (low, high) = (first.min(last), first.max(last));
    let letters = (low..=high).take(RANGE_MAX);
    Some(letters.map(|letter| vec![Atom::Char(letter)]).collect())
}
