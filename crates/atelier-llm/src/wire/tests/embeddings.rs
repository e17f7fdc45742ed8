//! Vectors: only as many as were asked for, in the order of their texts, are an answer.

use atelier_model::Usage;
use serde_json::{Value, json};

use super::fixture;
use crate::wire::{Completion, DecodeError, Decoder, embeddings::Vectors};

fn decoded(value: &Value, expected: usize) -> Result<Completion, DecodeError> {
    let mut decoder = Decoder::new(Vectors::of(expected), 1_024);
    decoder.push(value.to_string().as_bytes())?;
    decoder.finish()
}

fn read(path: &str) -> Value {
    serde_json::from_slice(&fixture(path)).unwrap()
}

#[test]
fn recorded_vectors_are_read_in_the_order_of_their_texts() {
    for (path, input) in [
        ("openai/embeddings.json", Some(9)),
        ("gemini/embeddings.json", None),
    ] {
        let completion = decoded(&read(path), 2).unwrap();
        assert_eq!(
            completion.text, "[[0.5,-0.25,1.0],[0.125,2.0,-3.0]]",
            "{path}"
        );
        let usage = input.map(|input| Usage {
            input,
            ..Usage::default()
        });
        assert_eq!(completion.usage, usage);
    }
}

#[test]
fn another_number_or_length_of_vectors_is_no_answer() {
    let numbered = |vectors: &[Value]| {
        let data: Vec<Value> = vectors
            .iter()
            .map(|vector| json!({"embedding": vector}))
            .collect();
        json!({"data": data})
    };
    let table = [
        (numbered(&[json!([1.0])]), 2),
        (numbered(&[json!([1.0]), json!([1.0]), json!([1.0])]), 2),
        (numbered(&[json!([1.0]), json!([1.0, 2.0])]), 2),
        (numbered(&[json!([]), json!([])]), 2),
        (numbered(&[json!(["a"])]), 1),
        (numbered(&[json!([1e300])]), 1),
        (numbered(&[json!("AACAPw==")]), 1),
        (json!({"embeddings": [{"values": [1.0]}]}), 2),
        (json!({}), 1),
    ];
    for (value, expected) in table {
        let result = decoded(&value, expected);
        assert!(
            matches!(result, Err(DecodeError::Malformed { .. })),
            "{value}: {result:?}"
        );
    }
}

#[test]
fn half_a_document_is_truncated_and_an_error_an_error() {
    let whole = fixture("openai/embeddings.json");
    let mut decoder = Decoder::new(Vectors::of(2), 1_024);
    decoder.push(&whole[..whole.len() / 2]).unwrap();
    assert_eq!(decoder.finish(), Err(DecodeError::Truncated));
    let error = json!({"error": {"message": "no", "code": 503}});
    assert!(matches!(
        decoded(&error, 1),
        Err(DecodeError::Reported { status: 503, .. })
    ));
}
