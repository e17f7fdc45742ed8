//! One sentence in its canonical form.

use crate::{
    read::{
        Kind, Mark,
        lex::{Sentence, Sort, Token},
        order,
    },
    words::{Frame, Words},
};

/// Phrases that are taken from one end of a sentence.
const ROUNDS_MAX: usize = 8;

/// Words that show a text to be in English.
const ENGLISH_MIN: usize = 1;

/// Whether the rules, which are those of English, hold for a text.
pub(crate) fn is_english(sentences: &[Sentence], words: &Words) -> bool {
    let all = || sentences.iter().flat_map(|sentence| &sentence.tokens);
    let said = || all().filter(|token| token.sort == Sort::Word);
    let is_foreign = |token: &Token| {
        words.lists("foreign", &token.text) || token.text.chars().any(|c| c as u32 > 0x7f)
    };
    if said().any(is_foreign) {
        return false;
    }
    let common = |token: &&Token| {
        words.lists("function", &token.text) || words.lists("request", &token.text)
    };
    said().filter(common).count() >= ENGLISH_MIN
}

/// Adds a sentence whose every token counts as it stands.
pub(crate) fn add_verbatim(sentence: &Sentence, marks: &mut Vec<Mark>) {
    marks.extend(sentence.tokens.iter().map(|token| Mark {
        kind: Kind::Literal,
        text: token.text.clone(),
    }));
}

/// Adds a sentence in its canonical form.
pub(crate) fn add(sentence: Sentence, words: &Words, marks: &mut Vec<Mark>) {
    let Sentence { mut tokens, asks } = sentence;
    open(&mut tokens, "polite", words);
    if works_on_text(&tokens, words) {
        return add_verbatim(&Sentence { tokens, asks }, marks);
    }
    close(&mut tokens, words);
    order::front_to_end(&mut tokens, words);
    open(&mut tokens, "polite", words);
    open(&mut tokens, "opening", words);
    order::defined(&mut tokens);
    order::superlatives(&mut tokens, words);
    order::contrasted(&mut tokens);
    replace_phrases(&mut tokens, words);
    owners(&mut tokens, words);
    order::languages(&mut tokens, words);
    purposes(&mut tokens, words);
    let marked = ask_mark(&tokens, asks, words);
    auxiliaries(&mut tokens, words);
    tokens.retain(|token| !(token.sort == Sort::Word && words.lists("articles", &token.text)));
    meanings(&mut tokens, words);
    numbers(&mut tokens, words);
    order::dates(&mut tokens);
    order::routes(&mut tokens, words);
    order::pairs(&mut tokens, words);
    tokens.extend(marked);
    marks.extend(tokens.into_iter().map(|token| mark(token, words)));
}

/// Whether a sentence is about the very words of some text.
fn works_on_text(tokens: &[Token], words: &Words) -> bool {
    let said = |token: &Token| matches!(token.sort, Sort::Word | Sort::Name);
    let nominal = |pair: &[Token]| {
        let [noun, next] = pair else { return false };
        let follows = next.sort != Sort::Comma && !words.lists("function", &next.text);
        noun.sort == Sort::Word && words.lists("nominals", &noun.text) && follows
    };
    let operates = |token: &Token| words.lists("operators", &token.text.to_lowercase());
    tokens.iter().any(|token| said(token) && operates(token)) || tokens.windows(2).any(nominal)
}

/// Takes phrases from the beginning, until one stands for what is wanted.
fn open(tokens: &mut Vec<Token>, section: &str, words: &Words) {
    for _ in 0..ROUNDS_MAX {
        while tokens
            .first()
            .is_some_and(|token| token.sort == Sort::Comma)
        {
            tokens.remove(0);
        }
        let Some(frame) = matching(tokens, section, words) else {
            return;
        };
        let meaning: Vec<Token> = frame.meaning.iter().map(|word| Token::word(word)).collect();
        let is_over = !meaning.is_empty();
        tokens.splice(..frame.words.len(), meaning);
        if is_over {
            return;
        }
    }
}

/// The longest phrase of a section at the beginning of tokens.
fn matching<'w>(tokens: &[Token], section: &str, words: &'w Words) -> Option<&'w Frame> {
    let first = tokens.first().filter(|token| is_said(token))?;
    let mut frames = words.frames(section, &first.text).iter();
    frames.find(|frame| {
        let length = frame.words.len();
        let next = tokens.get(length);
        let is_there = tokens.len() >= length
            && tokens
                .iter()
                .zip(&frame.words)
                .all(|(token, word)| is_said(token) && token.text == *word);
        let goes_on = match &frame.ahead {
            Some(list) => {
                next.is_some_and(|next| next.sort == Sort::Word && words.lists(list, &next.text))
            }
            // A phrase that stands for something is about what follows.
            None => frame.meaning.is_empty() || section == "phrase" || next.is_some(),
        };
        is_there && goes_on
    })
}

/// Whether a token can be part of a phrase.
fn is_said(token: &Token) -> bool {
    match token.sort {
        Sort::Word | Sort::Comma | Sort::Number => true,
        Sort::Name | Sort::Literal => false,
    }
}

/// Takes phrases from the end.
fn close(tokens: &mut Vec<Token>, words: &Words) {
    for _ in 0..ROUNDS_MAX {
        let from = (0..tokens.len()).find(|at| {
            let rest = &tokens[*at..];
            matching(rest, "tail", words).is_some_and(|frame| frame.words.len() == rest.len())
        });
        let Some(from) = from else { return };
        tokens.truncate(from);
        while tokens.last().is_some_and(|token| token.sort == Sort::Comma) {
            tokens.pop();
        }
    }
}

/// Puts one word for every phrase that has one.
fn replace_phrases(tokens: &mut Vec<Token>, words: &Words) {
    let mut at = 0;
    while at < tokens.len() {
        let found = matching(&tokens[at..], "phrase", words);
        let found = found.map(|frame| (frame.words.len(), frame.meaning.clone()));
        let Some((length, meaning)) = found else {
            at += 1;
            continue;
        };
        let after = meaning.len().max(1);
        let meaning = meaning.iter().map(|word| Token::word(word));
        tokens.splice(at..at + length, meaning);
        at += after;
    }
}

/// Writes `X's Y` as `Y of X`.
fn owners(tokens: &mut Vec<Token>, words: &Words) {
    let Some(at) = tokens.iter().position(|token| token.is("'s")) else {
        return;
    };
    let is_single = tokens.iter().filter(|token| token.is("'s")).count() == 1;
    let holds = |token: &Token| {
        token.sort != Sort::Comma
            && !(token.sort == Sort::Word && words.lists("function", &token.text))
            && !token.text.starts_with('<')
    };
    let length = tokens[at + 1..]
        .iter()
        .take_while(|token| holds(token))
        .count();
    let owner_from = tokens[..at].iter().rposition(|token| !holds(token));
    let owner_from = owner_from.map_or(0, |before| before + 1);
    let is_asked = tokens
        .first()
        .is_some_and(|token| token.text.starts_with('<') || words.lists("wh", &token.text));
    if !is_single || !is_asked || length == 0 || owner_from == at {
        return;
    }
    let things: Vec<Token> = tokens.drain(at..=at + length).skip(1).collect();
    let owner: Vec<Token> = tokens.drain(owner_from..at).collect();
    let turned = things.into_iter().chain([Token::word("of")]).chain(owner);
    tokens.splice(owner_from..owner_from, turned);
}

/// Writes `a program that reverses`, `a program for reversing` as `a program to reverse`.
fn purposes(tokens: &mut [Token], words: &Words) {
    for at in 2..tokens.len() {
        let is_code = words.lists("codes", &tokens[at - 2].text);
        let verb = tokens[at].text.as_str();
        if !is_code || tokens[at].sort != Sort::Word || words.lists("function", verb) {
            continue;
        }
        let base = match tokens[at - 1].text.as_str() {
            "that" | "which" => singular(verb, words).filter(|base| base != verb),
            "for" => verb.ends_with("ing").then(|| base_of_ing(verb)),
            _ => None,
        };
        if let Some(base) = base {
            tokens[at - 1] = Token::word("to");
            tokens[at].text = base;
        }
    }
}

/// A question mark counts where the words alone do not make a question.
fn ask_mark(tokens: &[Token], asks: bool, words: &Words) -> Option<Token> {
    let first = tokens.first()?;
    let is_question = tokens.iter().any(|token| words.lists("wh", &token.text))
        || first.text.starts_with('<')
        || words.lists("auxiliaries", &first.text);
    let is_wish = words.lists("request", &first.text);
    (asks && !is_question && !is_wish).then(|| Token::word("<asked>"))
}

/// Words after which an auxiliary in a definition belongs to a clause of its own.
const DEFINED_TOKENS_MAX: usize = 3;

/// Brings the auxiliary of a question to one place: those that say nothing are left out, the others
/// follow the first word.
fn auxiliaries(tokens: &mut Vec<Token>, words: &Words) {
    let Some(first) = tokens.first() else { return };
    let is_asked = first.sort == Sort::Word && words.lists("wh", &first.text);
    if !is_asked && first.text != "<what>" {
        return;
    }
    let counts = first.is("how") && tokens.get(1).is_some_and(|next| next.is("many"));
    if counts && let Some(at) = tokens.iter().position(|token| token.is("there")) {
        tokens.remove(at);
    }
    let place = |list: &str| {
        let is_on = |token: &Token| token.sort == Sort::Word && words.lists(list, &token.text);
        tokens.iter().position(is_on)
    };
    let (empty, telling) = (place("plain-auxiliaries"), place("moved-auxiliaries"));
    match (empty, telling) {
        (Some(at), other) if other.is_none_or(|other| at < other) => leave_out(tokens, at),
        (_, Some(at)) => {
            let token = tokens.remove(at);
            tokens.insert(1.min(tokens.len()), token);
        }
        (_, None) => {}
    }
}

/// Takes an auxiliary that says nothing out of a question. `What X is` becomes what `What is X`
/// becomes.
fn leave_out(tokens: &mut Vec<Token>, at: usize) {
    let is_last = at + 1 == tokens.len();
    let is_definition = tokens.first().is_some_and(|token| token.text == "<what>");
    if is_definition && at > DEFINED_TOKENS_MAX && !is_last {
        return;
    }
    tokens.remove(at);
    if is_last && at > 1 && tokens.first().is_some_and(|token| token.is("what")) {
        tokens[0] = Token::word("<what>");
    }
}

/// Puts the one word that stands for all that mean the same. Where a word itself is asked for, it
/// stays.
fn meanings(tokens: &mut [Token], words: &Words) {
    let is_definition =
        tokens.len() == 2 && tokens.first().is_some_and(|token| token.text == "<what>");
    let from = if is_definition { tokens.len() } else { 0 };
    for token in tokens.iter_mut().skip(from) {
        meaning(token, words);
    }
}

fn meaning(token: &mut Token, words: &Words) {
    if token.sort == Sort::Word {
        let meaning = words.meaning(&token.text);
        if meaning.bytes().all(|c| c.is_ascii_digit()) {
            token.sort = Sort::Number;
        }
        token.text = meaning.to_owned();
    }
}

/// Where it does not matter whether there is one or many, one stands for both.
fn numbers(tokens: &mut [Token], words: &Words) {
    let Some((first, rest)) = tokens.split_first_mut() else {
        return;
    };
    let is_general = [
        "<how>",
        "why",
        "<about>",
        "<explain>",
        "<example>",
        "<examples>",
    ]
    .contains(&first.text.as_str());
    if !is_general {
        return;
    }
    if first.text == "<how>"
        && let Some(verb) = rest.first_mut()
        && verb.sort == Sort::Word
        && verb.text.ends_with("ing")
        && verb.text.len() > 5
    {
        *verb = Token::word(words.meaning(&base_of_ing(&verb.text)));
    }
    for token in rest.iter_mut().filter(|token| token.sort == Sort::Word) {
        if !words.lists("function", &token.text)
            && let Some(single) = singular(&token.text, words)
        {
            *token = Token::word(words.meaning(&single));
        }
    }
}

/// A word without its plural ending.
pub(crate) fn singular(word: &str, words: &Words) -> Option<String> {
    if word.len() < 4 || words.lists("uncounted", word) || !word.ends_with('s') {
        return None;
    }
    if ["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return None;
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return Some(format!("{stem}y"));
    }
    let hisses = ["ses", "xes", "ches", "shes", "zes"];
    let hissing = hisses.iter().any(|end| word.ends_with(end));
    let stem = word.strip_suffix('s')?;
    let is_double = hissing
        && !["ases", "uses", "oses", "izes", "ises", "aches"]
            .iter()
            .any(|end| word.ends_with(end));
    let bare = stem.strip_suffix('e').filter(|_| is_double);
    Some(bare.unwrap_or(stem).to_owned())
}

/// The verb that an `-ing` form most likely comes from.
fn base_of_ing(word: &str) -> String {
    let stem = word.strip_suffix("ing").unwrap_or(word);
    let chars: Vec<char> = stem.chars().collect();
    let vowel = |c: char| "aeiou".contains(c);
    let [.., third, second, last] = chars.as_slice() else {
        return stem.to_owned();
    };
    if second == last && !"lsz".contains(*last) {
        return chars[..chars.len() - 1].iter().collect();
    }
    let vowels = chars.iter().filter(|c| vowel(**c)).count();
    let is_short = vowels == 1 && vowel(*second) && !vowel(*third) && !"wxy".contains(*last);
    let wants_e = "vcuz".contains(*last)
        || [
            "at", "iz", "ang", "urs", "ag", "ak", "ok", "us", "as", "ar", "ir", "ov",
        ]
        .iter()
        .any(|end| stem.ends_with(end) && chars.len() > 3 && !vowel(*last));
    if is_short || wants_e {
        return format!("{stem}e");
    }
    stem.to_owned()
}

/// What a token counts as.
fn mark(token: Token, words: &Words) -> Mark {
    let kind = match token.sort {
        Sort::Name => Kind::Name,
        Sort::Number => Kind::Number,
        Sort::Literal => Kind::Literal,
        Sort::Comma => Kind::Function,
        Sort::Word if token.text.starts_with('<') => Kind::Intent,
        Sort::Word if words.lists("wh", &token.text) => Kind::Intent,
        Sort::Word if token.text == "'s" || words.lists("function", &token.text) => Kind::Function,
        Sort::Word => Kind::Content,
    };
    Mark {
        kind,
        text: token.text,
    }
}
