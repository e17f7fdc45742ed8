//! The text of answers in every dialect, whole and in events.

use super::said;

#[test]
fn whole_answers_say_their_text() {
    let chat = r#"{"id":"1","choices":[{"message":{"role":"assistant","content":"Four."}}]}"#;
    let messages = r#"{"content":[{"type":"text","text":"Four."}],"model":"m"}"#;
    let responses = r#"{"output":[{"content":[{"type":"output_text","text":"Four."}]}]}"#;
    let gemini = r#"{"candidates":[{"content":{"parts":[{"text":"Four."}],"role":"model"}}]}"#;
    for answer in [chat, messages, responses, gemini] {
        assert_eq!(said(answer.as_bytes()), "Four.", "{answer}");
    }
}

#[test]
fn streams_say_it_once() {
    let chat = "data: {\"choices\":[{\"delta\":{\"content\":\"Fo\"}}]}\n\n\
                data: {\"choices\":[{\"delta\":{\"content\":\"ur.\"}}]}\n\ndata: [DONE]\n\n";
    let messages = "event: x\ndata: {\"delta\":{\"type\":\"text_delta\",\"text\":\"Four.\"}}\n\n";
    let responses = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Four.\"}\n\n\
                     data: {\"response\":{\"output\":[{\"text\":\"Four.\"}]}}\n\n";
    for stream in [chat, messages, responses] {
        assert_eq!(said(stream.as_bytes()), "Four.", "{stream}");
    }
}

#[test]
fn what_is_no_answer_says_nothing() {
    assert_eq!(said(b""), "");
    assert_eq!(said(b"data: {\"text\": 1}\n\ndata: {"), "");
    assert_eq!(said(&[0xff; 10]), "");
}
