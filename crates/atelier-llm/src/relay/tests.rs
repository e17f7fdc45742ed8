//! Questions and answers from dialect to dialect, without a network.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use atelier_model::Usage;
use serde_json::{Value, json};

use super::{
    body::with_model,
    dialect::{About, Dialect},
    exchange::{
        Answer, Choice, Form, Image, Part, Piece, Question, Speaker, Tokens, Tool, Turn, Why,
    },
};
use crate::wire::sse::SseDecoder;

const ALL: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];

fn about() -> About {
    About {
        model: "m".to_owned(),
        created_s: 1,
        counted: true,
    }
}

fn pieces(why: Why) -> Vec<Piece> {
    let text = |text: &str| Piece::Text(text.to_owned());
    vec![
        Piece::Begin {
            id: "a1".to_owned(),
            model: "m".to_owned(),
        },
        Piece::Thought("hm".to_owned()),
        text("He"),
        text("llo ✓"),
        Piece::Call {
            id: "call_0".to_owned(),
            name: "look".to_owned(),
        },
        Piece::Arguments {
            call: 0,
            text: "{\"at\":".to_owned(),
        },
        Piece::Arguments {
            call: 0,
            text: "1}".to_owned(),
        },
        Piece::Call {
            id: "call_1".to_owned(),
            name: "go".to_owned(),
        },
        Piece::Arguments {
            call: 1,
            text: "{}".to_owned(),
        },
        Piece::Tokens(Tokens {
            usage: Usage {
                input: 20,
                output: 9,
                cached_input: 5,
                ..Usage::default()
            },
            reasoning: 0,
        }),
        Piece::Stop(why),
    ]
}

#[test]
fn counts_are_read_where_one_server_puts_them_aside() {
    let usage = json!({"prompt_tokens": 20, "completion_tokens": 9});
    let choice = json!({"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"});
    let event = json!({"choices": [choice], "x_groq": {"usage": usage}, "usage": null});
    let mut reader = Dialect::Chat.reader();
    let told = answer(&reader.event(&event.to_string()).unwrap());
    let usage = told.tokens.unwrap().usage;
    assert_eq!((usage.input, usage.output), (20, 9));
}

fn answer(pieces: &[Piece]) -> Answer {
    let mut answer = Answer::default();
    for piece in pieces {
        answer.take(piece);
    }
    answer
}

fn streamed(dialect: Dialect, pieces: &[Piece]) -> String {
    let mut writer = dialect.writer(about());
    let said = pieces.iter().map(|piece| writer.piece(piece));
    let said: String = said.collect();
    said + &writer.end(&answer(pieces))
}

/// Reads a stream; `None` where it has no end.
fn read(dialect: Dialect, stream: &str) -> Option<Answer> {
    let mut reader = dialect.reader();
    let mut answer = Answer::default();
    for data in SseDecoder::default().push(stream.as_bytes()) {
        let pieces = reader.event(&data).ok()?;
        for piece in &pieces {
            answer.take(piece);
        }
    }
    reader.may_end().then_some(answer)
}

/// What every dialect can say of an answer.
fn common(answer: &Answer) -> Value {
    let parts: Vec<Value> = answer
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => json!({"text": text}),
            Part::Thought { text, .. } => json!({"thought": text}),
            Part::Call {
                id,
                name,
                arguments,
            } => json!({
                "call": id, "name": name,
                "arguments": serde_json::from_str::<Value>(arguments).unwrap(),
            }),
            other @ (Part::Image(_) | Part::Result { .. }) => panic!("{other:?} in an answer"),
        })
        .collect();
    let usage = answer.tokens.map(|tokens| tokens.usage).unwrap();
    json!({"id": answer.id, "model": answer.model, "parts": parts, "usage": usage,
        "why": format!("{:?}", answer.why())})
}

#[test]
fn a_stream_means_the_same_in_every_dialect() {
    let expected = common(&answer(&pieces(Why::Tools)));
    for dialect in ALL {
        let stream = streamed(dialect, &pieces(Why::Tools));
        let read = read(dialect, &stream).unwrap_or_else(|| panic!("{dialect:?}: {stream}"));
        assert_eq!(common(&read), expected, "{dialect:?}: {stream}");
    }
}

#[test]
fn a_whole_answer_means_the_same_in_every_dialect() {
    for why in [Why::Tools, Why::Length, Why::Filtered] {
        let expected = answer(&pieces(why));
        for dialect in ALL {
            let document = dialect.document(&expected, &about());
            let pieces = dialect.reader().document(&document).unwrap();
            let read = answer(&pieces);
            assert_eq!(common(&read), common(&expected), "{dialect:?}: {document}");
        }
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_has_no_end() {
    for dialect in ALL {
        let stream = streamed(dialect, &pieces(Why::Length));
        let events: Vec<&str> = stream.split_inclusive("\n\n").collect();
        let is_end = |event: &&&str| {
            let ends = [
                "finish_reason\":\"",
                "message_stop",
                "response.incomplete",
                "finishReason",
            ];
            ends.iter().any(|end| event.contains(end))
        };
        let last = events.iter().position(|event| is_end(&event)).unwrap();
        for count in 0..=last {
            let cut = events[..count].concat();
            assert_eq!(
                read(dialect, &cut),
                None,
                "{dialect:?} after {count}: {cut}"
            );
        }
        assert!(
            read(dialect, &events[..=last].concat()).is_some(),
            "{dialect:?}"
        );
    }
}

#[test]
fn an_end_that_is_said_without_a_reason_is_none() {
    assert_eq!(read(Dialect::Chat, "data: [DONE]\n\n"), None);
    let stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    assert_eq!(read(Dialect::Messages, stop), None);
}

fn question() -> Question {
    let text = |text: &str| Part::Text(text.to_owned());
    let call = Part::Call {
        id: "call_0".to_owned(),
        name: "look".to_owned(),
        arguments: "{\"at\":1}".to_owned(),
    };
    let result = Part::Result {
        id: "call_0".to_owned(),
        parts: vec![text("a tree")],
        failed: false,
    };
    let image = Part::Image(Image::Data {
        media: "image/png".to_owned(),
        data: "AAAA".to_owned(),
    });
    let turn = |speaker, parts| Turn { speaker, parts };
    Question {
        system: vec!["be brief".to_owned()],
        turns: vec![
            turn(Speaker::User, vec![text("what is here?"), image]),
            turn(Speaker::Model, vec![text("I look."), call]),
            turn(Speaker::User, vec![result, text("and now?")]),
        ],
        tools: vec![Tool {
            name: "look".to_owned(),
            about: Some("looks".to_owned()),
            schema: json!({"type": "object", "properties": {"at": {"type": "integer"}}}),
            strict: None,
        }],
        choice: Some(Choice::Named("look".to_owned())),
        form: Some(Form::Schema {
            name: "answer".to_owned(),
            schema: json!({"type": "object", "properties": {}, "additionalProperties": false}),
        }),
        temperature: Some(0.5),
        tokens_max: Some(100),
        ..Question::default()
    }
}

#[test]
fn a_question_means_the_same_in_every_dialect() {
    for dialect in ALL {
        let body = dialect.body(&mut question(), "m", 7).unwrap();
        let mut read = dialect.question(&body).unwrap();
        // That nothing is to be stored is said to those who would otherwise store it.
        read.dropped.retain(|name| name != "store");
        assert!(read.dropped.is_empty(), "{dialect:?}: {:?}", read.dropped);
        read.counted = false;
        for tool in &mut read.tools {
            tool.strict = None;
        }
        assert_eq!(read, question(), "{dialect:?}: {body}");
    }
}

#[test]
fn texts_that_nobody_can_say_are_refused_or_named() {
    let stored = json!({"model": "m", "input": "x", "previous_response_id": "r"});
    assert!(Dialect::Responses.question(&stored).is_err());
    let file = json!({"messages": [{"role": "user", "content": [{"type": "file"}]}]});
    assert!(Dialect::Chat.question(&file).is_err());
    let odd = json!({"messages": [], "logit_bias": {"1": 2}, "tools": [{"type": "web_search"}]});
    let dropped = Dialect::Chat.question(&odd).unwrap().dropped;
    assert_eq!(dropped, ["tools.web_search", "logit_bias"]);
}

#[test]
fn nothing_but_the_model_changes_in_a_body() {
    let body =
        br#"{ "x" : {"model":"inner"}, "model" :  "a\"b" , "y":[1.0, "model"],"z":"\u00e9"}"#;
    let changed = with_model(body, "new").unwrap();
    let expected =
        br#"{ "x" : {"model":"inner"}, "model" :  "new" , "y":[1.0, "model"],"z":"\u00e9"}"#;
    assert_eq!(changed, expected);
    assert_eq!(with_model(br#"{"x":{"model":"a"}}"#, "b"), None);
}

#[test]
fn calls_that_have_no_name_are_paired_by_their_tool() {
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [
            {"functionCall": {"name": "a", "args": {}}}, {"functionCall": {"name": "b", "args": {}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "b", "response": {"result": "2"}}},
            {"functionResponse": {"name": "a", "response": {"result": "1"}}},
        ]},
    ]});
    let mut question = Dialect::Gemini.question(&body).unwrap();
    let chat = Dialect::Chat.body(&mut question, "m", 1).unwrap();
    let messages = chat["messages"].as_array().unwrap();
    assert_eq!(
        messages[2]["tool_call_id"],
        messages[1]["tool_calls"][1]["id"]
    );
    assert_eq!(messages[2]["content"], "2");
    assert_eq!(
        messages[3]["tool_call_id"],
        messages[1]["tool_calls"][0]["id"]
    );
}
