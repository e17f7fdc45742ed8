//! What a model reads again is the beginning of what it has read before, byte for byte, and marked
//! where a provider has to be told: its prompt cache is paid a tenth of reading afresh.

use atelier_testkit::{Dialect, Mode, Script, Seen, StageSeen, chain};
use serde_json::{Value, json};

use crate::world::World;

/// Of a hundred bytes of the prompts that write code, the fewest that stood at the beginning of an
/// earlier one.
const SHARED_PERCENT_MIN: usize = 60;

/// A prompt in the order in which it is read: each text with its speaker, and whether the provider
/// is told to keep everything up to its end.
fn read(seen: &Seen) -> Vec<(String, bool)> {
    let text = |speaker: &Value, block: &Value| {
        let words = format!("{speaker}:{}\n", block["text"].as_str().unwrap());
        (words, block.get("cache_control").is_some())
    };
    let standing = seen.body["system"].as_array().into_iter().flatten();
    let standing = standing.map(|block| text(&json!("system"), block));
    let said = seen.body["messages"].as_array().unwrap().iter();
    let said = said.flat_map(|message| {
        let blocks = message["content"].as_array().unwrap().iter();
        blocks.map(|block| text(&message["role"], block))
    });
    standing.chain(said).collect()
}

fn bytes(prompt: &[(String, bool)]) -> usize {
    prompt.iter().map(|(text, _)| text.len()).sum()
}

/// Bytes that both begin with.
fn shared(one: &[(String, bool)], other: &[(String, bool)]) -> usize {
    let whole = |prompt: &[(String, bool)]| -> String {
        prompt.iter().map(|(text, _)| text.as_str()).collect()
    };
    let (one, other) = (whole(one), whole(other));
    let pairs = one.bytes().zip(other.bytes());
    pairs.take_while(|(left, right)| left == right).count()
}

/// Bytes that the provider has kept: up to the end of the last text that was marked before and stands
/// where it stood, after the same texts.
fn kept(prompt: &[(String, bool)], before: &[(String, bool)]) -> usize {
    let texts = |prompt: &[(String, bool)], end: usize| -> Vec<String> {
        let texts = prompt[..=end].iter().map(|(text, _)| text.clone());
        texts.collect()
    };
    let ends = (0..prompt.len().min(before.len())).rev();
    let mut same = ends.filter(|&end| before[end].1 && texts(prompt, end) == texts(before, end));
    same.next().map_or(0, |end| bytes(&prompt[..=end]))
}

#[test]
fn what_is_asked_again_begins_with_what_the_provider_has_kept() {
    let fixture = chain(2).unwrap();
    let requirement = fixture.requirement.clone();
    let script = Script::new(Mode::FailThenFix).with_fixture(fixture);
    let world = World::with(script, Dialect::Anthropic);
    world.run(&["build", &requirement]).expect(0);
    let seen = world.server().requests();
    let is_code = |seen: &&Seen| matches!(seen.stage, StageSeen::Code { .. });
    let asked: Vec<(usize, Vec<(String, bool)>)> = seen
        .iter()
        .filter(is_code)
        .map(|seen| (seen.reasks, read(seen)))
        .collect();
    let (mut all, mut begun, mut read_again) = (0, 0, 0);
    for (index, (reasks, prompt)) in asked.iter().enumerate().skip(1) {
        let before = || asked[..index].iter().map(|(_, before)| before.as_slice());
        let kept = before().map(|one| kept(prompt, one)).max().unwrap();
        all += bytes(prompt);
        begun += before().map(|one| shared(prompt, one)).max().unwrap();
        read_again += kept;
        if *reasks > 0 {
            // All of the question before, to the last byte, is read out of the provider's cache.
            assert_eq!(kept, bytes(&asked[index - 1].1), "ask {index}");
        } else {
            assert!(kept > 0, "ask {index} begins with no standing text");
        }
    }
    assert!(
        asked.iter().any(|(reasks, _)| *reasks > 0),
        "nothing was asked again"
    );
    let percent = |part: usize| part * 100 / all;
    let (begun, read_again) = (percent(begun), percent(read_again));
    eprintln!("{begun} % begin as before, {read_again} % up to a mark");
    assert!(begun >= SHARED_PERCENT_MIN && read_again >= SHARED_PERCENT_MIN);
}
