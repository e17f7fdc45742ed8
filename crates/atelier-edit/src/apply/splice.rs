//! The lines of a search are found in a file and others put in their place.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Trouble, closest};
use crate::{
    place::{Hit, Rung, Shift, indent, places},
    text::{End, Line, Text},
};

/// Letters and digits that inserted lines must have before their presence is taken as proof that
/// an edit was applied earlier, where lines around them agree as well.
const TELLING_BESIDE_MIN: usize = 8;
/// The same where nothing around them agrees.
const TELLING_ALONE_MIN: usize = 20;
/// Places that are listed for a search that is found more than once.
const PLACES_SHOWN_MAX: usize = 10;

/// Lengths of a line that may divide a block.
const DIVIDER_BYTES: std::ops::RangeInclusive<usize> = 5..=12;

/// What to do with one way to divide a block.
enum Fit {
    /// Put these lines in place of those of the hit.
    Splice(Hit, Vec<Line>),
    /// Nothing: it has been done.
    Applied,
}

/// Replaces lines of a file. Of several ways to divide the block the one with the longest search
/// that stands in the file is taken.
///
/// `prose` says that lines of `=` may well be part of the file, as underlines of headings.
pub(super) fn replace(
    text: &mut Text,
    splits: &[(&str, &str)],
    prose: bool,
) -> Result<Option<String>, Trouble> {
    let mut ordered: Vec<(Vec<&str>, Vec<&str>)> = splits
        .iter()
        .filter(|(search, _)| !search.trim().is_empty())
        .map(|(search, replace)| (search.lines().collect(), replace.lines().collect()))
        .collect();
    ordered.sort_by_key(|(search, _)| std::cmp::Reverse(search.len()));
    for (search, replace) in &mut ordered {
        if splits.len() > 1 && placed(text, search) {
            drop_spare_divider(text, replace, prose)?;
        }
        if let Some(fit) = fit(text, search, replace)? {
            return Ok(take(text, fit));
        }
    }
    for (search, replace) in &ordered {
        if let Some(note) = elided(text, search, replace)? {
            return Ok(Some(note));
        }
        if applied_before(text, search, replace) {
            return Ok(Some("it was applied before".to_owned()));
        }
    }
    let search = ordered.last().map(|(search, _)| search.as_slice());
    Err(not_found(text, search.unwrap_or_default()))
}

fn placed(text: &Text, search: &[&str]) -> bool {
    let file: Vec<_> = text.lines.iter().map(Line::text).collect();
    !places(&file, search).is_empty()
}

/// Drops a divider that was written a second time at the end of a replacement; refuses dividers
/// of which it cannot be told whether they belong to the file.
fn drop_spare_divider(text: &Text, replace: &mut Vec<&str>, prose: bool) -> Result<(), Trouble> {
    let known = |line: &str| text.lines.iter().any(|other| other.text() == Some(line));
    let spare = |line: &&&str| is_divider(line) && !known(line);
    match replace.iter().filter(spare).count() {
        0 => Ok(()),
        1 if !prose && replace.last().as_ref().is_some_and(spare) => {
            replace.pop();
            Ok(())
        }
        _ => Err(Trouble::new(
            "the block has several `=======` lines, and it cannot be told which of them divides it",
            "use one such line; if others belong to the file, write longer markers, of nine \
             characters, around the block and between its parts",
        )),
    }
}

fn is_divider(line: &str) -> bool {
    let line = line.trim_end();
    DIVIDER_BYTES.contains(&line.len()) && line.bytes().all(|byte| byte == b'=')
}

fn take(text: &mut Text, fit: Fit) -> Option<String> {
    match fit {
        Fit::Applied => Some("it was applied before".to_owned()),
        Fit::Splice(hit, lines) => {
            let note = (hit.rung != Rung::Exact)
                .then(|| format!("matched but for {}", hit.rung.overlooked()));
            put(text, &hit, lines);
            note
        }
    }
}

/// Puts lines in place of those of a hit; the file ends as it ended before.
fn put(text: &mut Text, hit: &Hit, lines: Vec<Line>) {
    let open_end = text.lines.last().is_some_and(|line| line.end == End::None);
    let usual = text.usual_end(hit.range.clone());
    text.lines.splice(hit.range.clone(), lines);
    let last = text.lines.len().saturating_sub(1);
    for (index, line) in text.lines.iter_mut().enumerate() {
        if index == last && open_end {
            line.end = End::None;
        } else if line.end == End::None {
            line.end = usual;
        }
    }
}

/// Finds the one place of a search and works out what comes there; `None` where there is no place.
fn fit(text: &Text, search: &[&str], replace: &[&str]) -> Result<Option<Fit>, Trouble> {
    let file: Vec<_> = text.lines.iter().map(Line::text).collect();
    let Some(hit) = only(text, places(&file, search))? else {
        return Ok(None);
    };
    if surrounded(&file, &hit, search, replace) {
        return Ok(Some(Fit::Applied));
    }
    let foreign = |line: &&str| !line.is_ascii();
    if !text.utf8 && inserted(search, replace).any(|line| foreign(&line)) {
        return Err(Trouble::new(
            "the file is not UTF-8, and the new lines have characters beyond ASCII",
            "write these characters as escapes of the language, or send the whole file",
        ));
    }
    let telling = |shift: &&Shift| **shift == Shift::None || !dedents(search, replace);
    let mut outcomes: Vec<Vec<Line>> = hit
        .shifts
        .iter()
        .filter(telling)
        .filter_map(|shift| lines_after(text, &hit, search, replace, shift))
        .collect();
    outcomes.dedup_by(|a, b| a.iter().map(|l| &l.bytes).eq(b.iter().map(|l| &l.bytes)));
    match (outcomes.pop(), outcomes.is_empty()) {
        (Some(lines), true) => Ok(Some(Fit::Splice(hit, lines))),
        _ => Err(Trouble {
            said: "the lines to find are indented otherwise than in the file, and it cannot be \
                   told how the new lines are to be indented"
                .to_owned(),
            closest: Some(closest::shown(&file, hit.range)),
            mend: "copy the lines with their indentation exactly as they stand in the file",
        }),
    }
}

/// The one hit that is meant: the only one, or the only one among lines that no earlier edit of
/// the reply has put there.
fn only(text: &Text, hits: Vec<Hit>) -> Result<Option<Hit>, Trouble> {
    let old = |hit: &Hit| text.lines[hit.range.clone()].iter().all(|line| !line.fresh);
    let untouched = hits.iter().filter(|hit| old(hit)).count();
    if hits.len() > 1 && untouched != 1 {
        let numbers: Vec<_> = hits
            .iter()
            .take(PLACES_SHOWN_MAX)
            .map(|hit| (hit.range.start + 1).to_string())
            .collect();
        let more = if hits.len() > PLACES_SHOWN_MAX {
            ", …"
        } else {
            ""
        };
        return Err(Trouble::new(
            format!(
                "the lines to find stand in the file {} times, at lines {}{more}",
                hits.len(),
                numbers.join(", ")
            ),
            "add lines before or after them to the SEARCH and REPLACE parts until only one place \
             fits",
        ));
    }
    let several = hits.len() > 1;
    Ok(hits.into_iter().find(|hit| !several || old(hit)))
}

/// The lines that come in place of a hit; `None` where the shift does not suit a new line.
///
/// Lines that search and replacement share stay as the file has them, byte for byte.
fn lines_after(
    text: &Text,
    hit: &Hit,
    search: &[&str],
    replace: &[&str],
    shift: &Shift,
) -> Option<Vec<Line>> {
    let usual = text.usual_end(hit.range.clone());
    let mut lines = Vec::new();
    let mut next = hit.range.start;
    let mut kept_last = true;
    for op in capture_diff_slices(Algorithm::Myers, search, replace) {
        for at in op.old_range() {
            let equal = matches!(op, DiffOp::Equal { .. });
            // Blank lines that only the file has belong to the line before them.
            let end = match hit.lines[at] {
                Some(there) => there,
                None => blank_run_end(text, next, hit.range.end),
            };
            if kept_last && (equal || hit.lines[at].is_some()) {
                lines.extend(text.lines.get(next..end)?.iter().cloned());
            }
            next = next.max(end);
            if let Some(there) = hit.lines[at] {
                if equal {
                    lines.push(text.lines[there].clone());
                }
                next = there + 1;
                kept_last = equal;
            }
        }
        if !matches!(op, DiffOp::Equal { .. }) {
            for at in op.new_range() {
                let mut line = shift.line(replace[at])?;
                if hit.rung == Rung::Unicode {
                    line = retyped(&line, search, hit, text);
                }
                lines.push(Line {
                    bytes: line.into_bytes(),
                    end: usual,
                    fresh: true,
                });
            }
        }
    }
    Some(lines)
}

/// Whether new lines are indented less than every line of a search that has a single indentation.
/// Where that indentation is not the file's, it cannot be told what theirs should be.
fn dedents(search: &[&str], replace: &[&str]) -> bool {
    let depth = |line: &&str| (!line.trim().is_empty()).then(|| indent(line).len());
    let mut depths = search.iter().filter_map(depth);
    let Some(first) = depths.next() else {
        return false;
    };
    let single = depths.all(|depth| depth == first);
    single && inserted(search, replace).any(|line| depth(&line).is_some_and(|depth| depth < first))
}

/// A new line with the typographic characters of the line it is made of, wherever the search has
/// plain ones that the new line shares.
fn retyped(new: &str, search: &[&str], hit: &Hit, text: &Text) -> String {
    let mut body: Vec<char> = new.trim_start().chars().collect();
    let candidate = |(old, there): (&&str, &Option<usize>)| {
        let plain: Vec<char> = old.trim().chars().collect();
        let typed: Vec<char> = text.lines[(*there)?].text()?.trim().chars().collect();
        let shared: Vec<(usize, usize)> = capture_diff_slices(Algorithm::Myers, &plain, &body)
            .iter()
            .filter(|op| matches!(op, DiffOp::Equal { .. }))
            .flat_map(|op| op.old_range().zip(op.new_range()))
            .collect();
        let alike = plain.len() == typed.len() && shared.len() * 2 >= plain.len();
        alike.then_some((shared, typed))
    };
    let best = search
        .iter()
        .zip(&hit.lines)
        .filter_map(candidate)
        .max_by_key(|(shared, _)| shared.len());
    for (old, new, typed) in best
        .iter()
        .flat_map(|(shared, typed)| shared.iter().map(move |(old, new)| (*old, *new, typed)))
    {
        body[new] = typed[old];
    }
    indent(new).chars().chain(body).collect()
}

fn blank_run_end(text: &Text, from: usize, to: usize) -> usize {
    let blank = |at: &usize| text.lines[*at].bytes.trim_ascii().is_empty();
    from + (from..to).take_while(blank).count()
}

/// The lines of a replacement that its search does not have.
fn inserted<'a>(search: &'a [&'a str], replace: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    capture_diff_slices(Algorithm::Myers, search, replace)
        .into_iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .flat_map(|op| op.new_range())
        .map(|at| replace[at])
}

fn letters<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    lines
        .map(|line| line.chars().filter(|c| c.is_alphanumeric()).count())
        .sum()
}

/// Whether the lines that a replacement adds around its search stand around the hit already.
fn surrounded(file: &[Option<&str>], hit: &Hit, search: &[&str], replace: &[&str]) -> bool {
    if replace.len() <= search.len() || hit.rung > Rung::Trailing {
        return false;
    }
    if letters(inserted(search, replace)) < TELLING_BESIDE_MIN {
        return false;
    }
    replace
        .windows(search.len())
        .enumerate()
        .filter(|(_, window)| *window == search)
        .filter_map(|(offset, _)| hit.range.start.checked_sub(offset))
        .filter_map(|start| file.get(start..start + replace.len()))
        .any(|there| {
            there
                .iter()
                .zip(replace)
                .all(|(there, wanted)| there.map(str::trim_end) == Some(wanted.trim_end()))
        })
}

/// Whether the replacement stands in the file where its search does not, and could hardly stand
/// there by chance.
fn applied_before(text: &Text, search: &[&str], replace: &[&str]) -> bool {
    let file: Vec<_> = text.lines.iter().map(Line::text).collect();
    let hits = places(&file, replace);
    let once = matches!(hits.as_slice(), [hit] if hit.rung <= Rung::Trailing);
    let telling_line = |at: usize| !search[at].trim().is_empty();
    let shared = capture_diff_slices(Algorithm::Myers, search, replace)
        .iter()
        .any(|op| matches!(op, DiffOp::Equal { .. }) && op.old_range().any(telling_line));
    let telling = if shared {
        TELLING_BESIDE_MIN
    } else {
        TELLING_ALONE_MIN
    };
    once && letters(inserted(search, replace)) >= telling
}

/// Replaces the pieces between lines of dots, where search and replacement have as many of them;
/// `None` where the block has none or its pieces are not all found.
fn elided(text: &mut Text, search: &[&str], replace: &[&str]) -> Result<Option<String>, Trouble> {
    let dots = |line: &&str| matches!(line.trim(), "..." | "…");
    let old: Vec<_> = search.split(dots).collect();
    let new: Vec<_> = replace.split(dots).collect();
    if old.len() < 2 || old.len() != new.len() {
        return Ok(None);
    }
    let file: Vec<_> = text.lines.iter().map(Line::text).collect();
    let mut fits = Vec::new();
    let mut after = 0;
    for (old, new) in old.into_iter().zip(new) {
        let blank = |lines: &[&str]| lines.iter().all(|line| line.trim().is_empty());
        if blank(old) && blank(new) {
            continue;
        }
        let Some(hit) = only(text, places(&file, old))? else {
            return Ok(None);
        };
        if hit.range.start < after {
            return Ok(None);
        }
        after = hit.range.end;
        match fit(text, old, new)? {
            Some(Fit::Splice(hit, lines)) => fits.push((hit, lines)),
            Some(Fit::Applied) => {}
            None => return Ok(None),
        }
    }
    for (hit, lines) in fits.into_iter().rev() {
        put(text, &hit, lines);
    }
    Ok(Some("matched but for lines left out with dots".to_owned()))
}

fn not_found(text: &Text, search: &[&str]) -> Trouble {
    if text.lines.iter().any(|line| line.bytes.contains(&0)) {
        return Trouble::new(
            "the file is not text that can be searched: it holds NUL bytes",
            "send the whole file",
        );
    }
    if !text.utf8 && search.iter().any(|line| !line.is_ascii()) {
        return Trouble::new(
            "the lines to find are not in the file, which is not UTF-8: lines with characters \
             beyond ASCII cannot be found in it",
            "find lines of ASCII beside them, or send the whole file",
        );
    }
    let file: Vec<_> = text.lines.iter().map(Line::text).collect();
    Trouble {
        said: "the lines to find are not in the file".to_owned(),
        closest: closest::lines(&file, search),
        mend: "copy whole lines exactly as they stand in the file, or send the whole file",
    }
}
