//! Files that are not to be changed, in fewer words.
//!
//! Whatever may be changed stays as it is.

use atelier_model::TreePath;
use atelier_prompt::context::{self, Block};

use super::{NEIGHBOUR, Shown};

/// Bytes of a text that is worth being said only once.
const REPEATED_BYTES_MIN: usize = 200;

/// The blocks of files: those to be changed whole, the others without comments and blanks,
/// neighbours as skeletons, and what is there twice once.
pub(super) fn blocks(files: &[Shown<'_>]) -> Vec<Block> {
    let texts: Vec<&str> = files.iter().map(|file| file.text).collect();
    let repeated = context::repeated(&texts, REPEATED_BYTES_MIN);
    let mut blocks = Vec::new();
    for (at, file) in files.iter().enumerate() {
        if file.required {
            blocks.push(file.block());
            continue;
        }
        if let Some(first) = repeated.get(&at) {
            let rungs = files.get(*first).map(|first| same(file, first));
            blocks.push(file.block_of(rungs.into_iter().collect()));
            continue;
        }
        blocks.push(file.block_of(forms(file)));
    }
    blocks
}

/// That a file is like another one, which is named rather than repeated.
fn same(file: &Shown<'_>, first: &Shown<'_>) -> String {
    format!(
        "### File: `{}`\n\nThe same text as `{}`.",
        file.path, first.path
    )
}

/// The forms of a file that is only read, each shorter than the one before.
fn forms(file: &Shown<'_>) -> Vec<String> {
    let plain = atelier_outline::without_comments(&file.path, file.text);
    let skeleton = atelier_outline::skeleton(&file.path, file.text);
    let plain = plain.map_or_else(
        || (context::squeeze(file.text), ""),
        |plain| (plain, " (without comments)"),
    );
    let skeleton = skeleton.map(|skeleton| (skeleton, " (without bodies)"));
    let shown = |(text, remark): &(String, &str)| {
        let remark = if text == file.text { "" } else { remark };
        context::data(&labelled(&file.path, remark), text)
    };
    let whole = shown(&plain);
    let bones = skeleton.as_ref().map(shown);
    let bones = bones.filter(|bones| bones.len() < whole.len());
    let mut forms = match bones {
        Some(bones) if file.priority <= NEIGHBOUR => vec![bones],
        Some(bones) => vec![whole, bones],
        None => vec![whole],
    };
    let shortest = forms.last().map_or(0, String::len);
    forms.extend(file.head().filter(|head| head.len() < shortest));
    forms
}

fn labelled(path: &TreePath, remark: &str) -> String {
    format!("{path}{remark}")
}
