//! Texts that become vectors, asked for in one dialect and made in the other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::{Dialect, Shape, body, document, renamed, segments, texts};

#[test]
fn requests_reach_the_other_dialect() {
    let asked = json!({"model": "e", "input": ["a", "b"], "dimensions": 2, "user": "u"});
    let read = texts(Dialect::Chat, &asked).unwrap();
    assert_eq!(
        (read.shape, read.dropped.as_slice()),
        (Shape::Numbers, &["user".to_owned()][..])
    );
    assert_eq!(
        body(Dialect::Gemini, &read, "e"),
        json!({"requests": [
            {"model": "models/e", "content": {"parts": [{"text": "a"}]}, "outputDimensionality": 2},
            {"model": "models/e", "content": {"parts": [{"text": "b"}]}, "outputDimensionality": 2},
        ]}),
    );
    let one =
        json!({"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "taskType": "CLUSTERING"});
    let read = texts(Dialect::Gemini, &one).unwrap();
    assert_eq!(
        (read.shape, read.dropped.as_slice()),
        (Shape::One, &["taskType".to_owned()][..])
    );
    assert_eq!(
        body(Dialect::Chat, &read, "e"),
        json!({"model": "e", "input": ["ab"], "encoding_format": "float"}),
    );
}

#[test]
fn answers_come_as_they_were_asked_for() {
    let openai = json!({"data": [
        {"index": 1, "embedding": [0.5, -1.0]}, {"index": 0, "embedding": [1.0, 2.0]},
    ], "usage": {"prompt_tokens": 4}});
    let batch = json!({"requests": [
        {"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}},
    ]});
    let several = texts(Dialect::Gemini, &batch).unwrap();
    assert_eq!(
        document(&openai, &several, "e").unwrap(),
        json!({
            "embeddings": [{"values": [1.0, 2.0]}, {"values": [0.5, -1.0]}],
            "usageMetadata": {"promptTokenCount": 4},
        }),
    );
    let gemini = json!({"embeddings": [{"values": [1.0, -2.0]}]});
    let plain = json!({"model": "e", "input": "a", "encoding_format": "base64"});
    let bytes = texts(Dialect::Chat, &plain).unwrap();
    let said = document(&gemini, &bytes, "e").unwrap();
    // 1.0 is 00 00 80 3f and -2.0 is 00 00 00 c0.
    assert_eq!(said["data"][0]["embedding"], "AACAPwAAAMA=");
    assert_eq!(
        (&said["object"], &said["model"]),
        (&json!("list"), &json!("e"))
    );
    let error = json!({"error": {"message": "too long", "code": 400}});
    assert!(document(&error, &bytes, "e").is_err());
    let missing = json!({"embeddings": []});
    assert!(document(&missing, &bytes, "e").is_err());
}

#[test]
fn what_has_no_words_in_the_other_dialect_is_refused() {
    for input in [json!([1, 2]), json!([[1], [2]]), json!([]), json!(null)] {
        let asked = json!({"model": "e", "input": input});
        assert!(texts(Dialect::Chat, &asked).is_err(), "{asked}");
    }
    for asked in [
        json!({}),
        json!({"requests": []}),
        json!({"content": {"parts": [{}]}}),
    ] {
        assert!(texts(Dialect::Gemini, &asked).is_err(), "{asked}");
    }
}

#[test]
fn gemini_names_the_model_in_every_part() {
    let batch = json!({"requests": [{"model": "models/embed"}, {"model": "models/embed"}]});
    let expected = json!({"requests": [{"model": "models/e"}, {"model": "models/e"}]});
    assert_eq!(renamed(&batch, "e"), expected);
    assert_eq!(
        segments(Dialect::Gemini, "e", &batch)[1],
        "e:batchEmbedContents"
    );
    let one = json!({"content": {}});
    assert_eq!(
        segments(Dialect::Gemini, "models/e", &one)[1],
        "e:embedContent"
    );
}
