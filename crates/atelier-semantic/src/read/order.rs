//! Where the order of words means nothing, one order stands for all.

use crate::{
    read::lex::{Sort, Token},
    words::Words,
};

/// Tokens of a phrase that may change its place.
const PHRASE_TOKENS_MAX: usize = 4;

fn is_preposition(token: &Token, words: &Words) -> bool {
    token.sort == Sort::Word && words.lists("prepositions", &token.text)
}

fn is_function(token: &Token, words: &Words) -> bool {
    token.sort == Sort::Comma || (token.sort == Sort::Word && words.lists("function", &token.text))
}

/// `In Python, how …` becomes `how … in Python`.
pub(crate) fn front_to_end(tokens: &mut Vec<Token>, words: &Words) {
    let Some(first) = tokens.first().filter(|token| is_preposition(token, words)) else {
        return;
    };
    if first.is("for") || first.is("like") || first.is("as") {
        return;
    }
    let is_inner =
        |token: &&Token| !is_function(token, words) || words.lists("articles", &token.text);
    let length = 1 + tokens[1..].iter().take_while(is_inner).count();
    let Some(next) = tokens.get(length) else {
        return;
    };
    let is_comma = next.sort == Sort::Comma;
    let asks = words.lists("wh", &next.text);
    if length == 1 || length > PHRASE_TOKENS_MAX || !(is_comma || asks) {
        return;
    }
    let phrase: Vec<Token> = tokens.drain(..length).collect();
    if is_comma {
        tokens.remove(0);
    }
    tokens.extend(phrase);
}

/// `What does X mean` becomes what `What is X` becomes.
pub(crate) fn defined(tokens: &mut Vec<Token>) {
    let ends = tokens
        .last()
        .is_some_and(|token| token.is("mean") || token.is("stand"));
    let [first, second, ..] = tokens.as_slice() else {
        return;
    };
    if ends && tokens.len() > 3 && first.is("what") && (second.is("does") || second.is("do")) {
        tokens.pop();
        tokens.splice(..2, [Token::word("<what>")]);
    }
}

/// `Which X is the largest` becomes `What is the largest X`.
pub(crate) fn superlatives(tokens: &mut Vec<Token>, words: &Words) {
    let asks = tokens
        .first()
        .is_some_and(|token| token.is("which") || token.is("what"));
    let Some(at) = tokens
        .iter()
        .position(|token| token.is("is") || token.is("are"))
    else {
        return;
    };
    let named = tokens.get(1..at).unwrap_or_default();
    let is_thing = (1..=2).contains(&named.len())
        && named
            .iter()
            .all(|token| token.sort == Sort::Word && !is_function(token, words));
    let is_most = tokens.get(at + 1).is_some_and(|token| token.is("the"))
        && tokens.get(at + 2).is_some_and(|token| {
            token.text.ends_with("est") && token.text.len() > 4
                || token.is("best")
                || token.is("worst")
        });
    if asks && is_thing && is_most {
        let thing: Vec<Token> = tokens.drain(1..=at).take(at - 1).collect();
        tokens[0] = Token::word("<what>");
        let after = 3.min(tokens.len());
        tokens.splice(after..after, thing);
    }
}

/// `How does X differ from Y` becomes `difference between X and Y`.
pub(crate) fn contrasted(tokens: &mut Vec<Token>) {
    if !tokens.first().is_some_and(|token| token.is("how")) {
        return;
    }
    let differs = |pair: &[Token]| {
        let [verb, from] = pair else { return false };
        let verbs = ["differ", "different", "differs"];
        verbs.iter().any(|word| verb.is(word)) && (from.is("from") || from.is("than"))
    };
    let Some(at) = tokens.windows(2).position(differs) else {
        return;
    };
    let skipped = tokens.get(1).is_some_and(|token| {
        ["do", "does", "is", "are"]
            .iter()
            .any(|word| token.is(word))
    });
    let from = 1 + usize::from(skipped);
    if at <= from || at + 2 >= tokens.len() {
        return;
    }
    let mut turned = vec![Token::word("<difference>")];
    turned.extend_from_slice(&tokens[from..at]);
    if turned
        .last()
        .is_some_and(|token| token.is("is") || token.is("are"))
    {
        turned.pop();
    }
    turned.push(Token::word("and"));
    turned.extend_from_slice(&tokens[at + 2..]);
    *tokens = turned;
}

/// The language that code is to be in stands at the end, wherever it was said.
pub(crate) fn languages(tokens: &mut Vec<Token>, words: &Words) {
    let is_language = |token: &Token| {
        token.sort != Sort::Number && words.lists("languages", &token.text.to_lowercase())
    };
    let mut places = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| is_language(token));
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        return;
    };
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let is_in =
        before.is_some_and(|token| ["in", "using", "with"].iter().any(|word| token.is(word)));
    let is_codes = tokens
        .get(at + 1)
        .is_some_and(|next| words.lists("codes", &next.text));
    let is_last = at + 1 == tokens.len();
    let is_apart = tokens
        .get(at + 1)
        .is_none_or(|next| is_function(next, words));
    let from = match (is_in && (is_last || is_apart), is_codes && at > 0) {
        (true, _) => at - 1,
        (false, true) => at,
        (false, false) => return,
    };
    let language = tokens.drain(from..=at).next_back();
    let named = language.map(|language| Token {
        sort: Sort::Name,
        text: language.text.to_lowercase(),
    });
    tokens.push(Token::word("in"));
    tokens.extend(named);
}

/// `January 5` becomes `5 January`.
pub(crate) fn dates(tokens: &mut [Token]) {
    const MONTHS: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "March",
        "May",
        "jan",
        "feb",
        "apr",
        "aug",
        "sep",
        "oct",
        "nov",
        "dec",
    ];
    for at in 1..tokens.len() {
        let is_month = MONTHS.contains(&tokens[at - 1].text.as_str());
        let day = &tokens[at];
        let is_day = day.sort == Sort::Number && day.text.len() <= 2;
        let has_day = at >= 2 && tokens[at - 2].sort == Sort::Number;
        if is_month && is_day && !has_day {
            tokens.swap(at - 1, at);
        }
    }
}

/// `to B from A` becomes `from A to B`.
pub(crate) fn routes(tokens: &mut [Token], words: &Words) {
    let Some(to) = tokens.iter().position(|token| token.is("to")) else {
        return;
    };
    let Some(from) = tokens.iter().position(|token| token.is("from")) else {
        return;
    };
    let is_single = |word: &str| tokens.iter().filter(|token| token.is(word)).count() == 1;
    if to > from || !is_single("to") || !is_single("from") {
        return;
    }
    let run = |at: usize| {
        let inner = tokens[at + 1..]
            .iter()
            .take_while(|token| !is_function(token, words));
        at + 1 + inner.count()
    };
    let (to_end, from_end) = (run(to), run(from));
    let is_whole = to_end == from && from_end > from + 1 && to_end > to + 1;
    if is_whole && from_end - to <= 2 * PHRASE_TOKENS_MAX {
        tokens[to..from_end].rotate_left(from - to);
    }
}

/// Two names, numbers or words that are joined as equals stand in alphabetical order, where
/// nothing says that their order counts.
pub(crate) fn pairs(tokens: &mut [Token], words: &Words) {
    let is_difference = tokens
        .first()
        .is_some_and(|token| token.text == "<difference>");
    let between = tokens.iter().position(|token| token.is("between"));
    let joins: Vec<usize> = (1..tokens.len().saturating_sub(1))
        .filter(|at| tokens[*at].is("and") || tokens[*at].is("or"))
        .collect();
    let [at] = joins.as_slice() else { return };
    let ordered = [
        "respectively",
        "then",
        "order",
        "first",
        "former",
        "latter",
        "minus",
        "divided",
    ];
    if tokens
        .iter()
        .any(|token| ordered.iter().any(|word| token.is(word)))
    {
        return;
    }
    let from = match between {
        Some(between) if between < *at => between + 1,
        _ if is_difference => 1,
        _ => return single_pair(tokens, *at, words),
    };
    let end = at
        + 1
        + tokens[at + 1..]
            .iter()
            .take_while(|token| !is_function(token, words))
            .count();
    let plain = tokens[from..*at]
        .iter()
        .all(|token| !is_function(token, words));
    if plain && end > at + 1 && *at > from {
        sort_around(&mut tokens[from..end], at - from);
    }
}

/// Swaps the two tokens around a join, where each is a phrase of its own.
fn single_pair(tokens: &mut [Token], at: usize, words: &Words) {
    let stands_alone = |token: Option<&Token>| token.is_none_or(|token| is_function(token, words));
    let before = at.checked_sub(2).and_then(|before| tokens.get(before));
    let opens = before.is_some_and(|token| is_function(token, words));
    let equals = [tokens[at - 1].sort, tokens[at + 1].sort];
    let is_names = equals == [Sort::Name, Sort::Name];
    if opens && is_names && stands_alone(tokens.get(at + 2)) && tokens[at + 1] < tokens[at - 1] {
        tokens.swap(at - 1, at + 1);
    }
}

/// Brings two runs around a join into alphabetical order.
fn sort_around(run: &mut [Token], join: usize) {
    let (left, right) = (run[..join].to_vec(), run[join + 1..].to_vec());
    if right < left {
        let joined = run[join].clone();
        let turned = right.into_iter().chain([joined]).chain(left);
        for (place, token) in run.iter_mut().zip(turned) {
            *place = token;
        }
    }
}
