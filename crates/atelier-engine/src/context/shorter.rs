//! Files that are not to be changed, in fewer words.
//!
//! Whatever may be changed stays as it is.

use atelier_prompt::context;

use super::{NEIGHBOUR, Piece, Shown, WHOLE};

/// Bytes of a text that is worth being said only once.
const REPEATED_BYTES_MIN: usize = 200;

/// The pieces of files: those to be changed whole, the others without comments and blanks,
/// neighbours as skeletons, and what is there twice once.
pub(super) fn pieces(files: &[Shown<'_>]) -> Vec<Piece> {
    let texts: Vec<&str> = files.iter().map(|file| file.text).collect();
    let repeated = context::repeated(&texts, REPEATED_BYTES_MIN);
    let mut pieces = Vec::new();
    for (at, file) in files.iter().enumerate() {
        if file.required {
            pieces.push(file.piece());
            continue;
        }
        if let Some(first) = repeated.get(&at) {
            let forms = files.get(*first).map(|first| ("named", same(file, first)));
            pieces.push(file.piece_of(forms.into_iter().collect()));
            continue;
        }
        pieces.push(file.piece_of(forms(file)));
    }
    pieces
}

/// That a file is like another one, which is named rather than repeated.
fn same(file: &Shown<'_>, first: &Shown<'_>) -> String {
    format!(
        "### File: `{}`\n\nThe same text as `{}`.",
        file.path, first.path
    )
}

/// The forms of a file that is only read, each shorter than the one before.
fn forms(file: &Shown<'_>) -> Vec<(&'static str, String)> {
    let plain = atelier_outline::without_comments(&file.path, file.text);
    let skeleton = atelier_outline::skeleton(&file.path, file.text);
    let plain = match plain {
        Some(plain) => ("without comments", plain),
        None => ("squeezed", context::squeeze(file.text)),
    };
    let shown = |(form, text): (&'static str, String)| {
        let form = if text == file.text { WHOLE } else { form };
        // Where only blanks are missing, there is nothing to be told.
        let label = match form {
            WHOLE | "squeezed" => file.path.to_string(),
            form => format!("{} ({form})", file.path),
        };
        (form, context::data(&label, &text))
    };
    let whole = shown(plain);
    let bones = skeleton.map(|skeleton| shown(("without bodies", skeleton)));
    let bones = bones.filter(|(_, bones)| bones.len() < whole.1.len());
    let mut forms = match bones {
        Some(bones) if file.priority <= NEIGHBOUR => vec![bones],
        Some(bones) => vec![whole, bones],
        None => vec![whole],
    };
    let shortest = forms.last().map_or(0, |(_, text)| text.len());
    forms.extend(file.head().filter(|(_, head)| head.len() < shortest));
    forms
}
