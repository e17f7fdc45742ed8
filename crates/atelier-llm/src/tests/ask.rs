//! One ask through the whole gateway, in every dialect and both forms.

use atelier_model::{AskSource, Digest, Limits, MicroUsd, Stage, StopReason, Timestamp};
use serde_json::{Value, json};

use crate::{
    AskError, AskErrorKind, Call, Route, SchemaSupport, Wait,
    call::Heard,
    providers::{
        compatible::{self, Habits},
        openai,
    },
    tests::{
        server::{Act, Server},
        world::{DIALECTS, KEY, World, ask_of, ask_path, fixture, fixture_json, limits, route},
    },
};

/// The recorded answer of a dialect, streamed or whole.
pub(super) fn recorded(dialect: &str, stream: bool) -> Vec<u8> {
    let form = if stream { "stream.sse" } else { "reply.json" };
    fixture(&format!("{dialect}/{form}"))
}

/// Asks a server that follows a script, once in each dialect and form.
async fn check_error(
    script: impl Fn(&str, bool) -> Vec<Act>,
    limits: Limits,
    sendings: usize,
    check: impl Fn(&AskError),
) {
    for dialect in DIALECTS {
        for stream in [true, false] {
            let server = Server::start(script(dialect, stream)).await;
            let route = Route {
                stream,
                ..route(dialect, &server.url)
            };
            let world = World::new(route, limits.clone()).await;
            let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
            check(&error);
            check_words(&error);
            check_record(&world, &error).await;
            assert_eq!(server.seen().len(), sendings, "{error}");
        }
    }
}

/// What every error must be: fit to be read by a person, with a remedy, without the key.
fn check_words(error: &AskError) {
    let words = error.to_string();
    let shown = format!("{words} {error:?} {}", error.hint());
    assert!(!shown.contains(KEY), "{shown}");
    assert!(words.starts_with(|c: char| c.is_lowercase()), "{words}");
    assert!(!words.ends_with('.'), "{words}");
    assert!(error.hint().len() > 10);
}

/// A failed ask is closed, keeps its reason and leaves nothing reserved.
async fn check_record(world: &World, error: &AskError) {
    let asks = world.asks().await;
    assert_eq!(asks.len(), 1);
    assert_eq!(asks[0].error, Some(error.to_string()));
    assert_eq!(asks[0].reserved, MicroUsd::ZERO);
    assert_eq!(world.event_names().await.last().unwrap(), "ask.failed");
}

#[tokio::test]
async fn an_answer_comes_whole_and_streamed_in_both_dialects() {
    for dialect in DIALECTS {
        for stream in [true, false] {
            let server = Server::start(vec![Act::json(recorded(dialect, stream))]).await;
            let route = Route {
                stream,
                ..route(dialect, &server.url)
            };
            let path = ask_path(&route);
            let world = World::new(route, limits()).await;
            let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
            let expected = fixture_json(&format!("{dialect}/completion.json"));
            assert_eq!(reply.text, expected["text"].as_str().unwrap());
            assert_eq!(reply.digest, Digest::of(&reply.text));
            assert_eq!(
                serde_json::to_value(reply.usage).unwrap(),
                expected["usage"]
            );
            assert_eq!(reply.stop, StopReason::End);
            assert_eq!(reply.source, AskSource::Provider);
            assert_eq!(
                (reply.provider.as_str(), reply.model.as_str()),
                (dialect, "priced")
            );
            assert_eq!(world.event_names().await, ["ask.started", "ask.finished"]);
            let mut body = fixture_json(&format!("{dialect}/request.json"));
            if dialect != "gemini" {
                body["model"] = json!("priced");
                body["stream"] = json!(stream);
            }
            if !stream {
                body.as_object_mut().unwrap().remove("stream_options");
            }
            assert_eq!(server.seen().len(), 1);
            assert_eq!(server.seen()[0].body, body);
            assert_eq!(server.seen()[0].path, path);
        }
    }
}

#[tokio::test]
async fn the_terminal_event_ends_an_answer_that_nobody_closes() {
    for dialect in DIALECTS {
        let server = Server::start(vec![Act::AnswerOpen(recorded(dialect, true))]).await;
        let world = World::new(route(dialect, &server.url), limits()).await;
        assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
    }
}

#[tokio::test]
async fn one_connection_serves_many_asks() {
    for dialect in DIALECTS {
        for stream in [true, false] {
            let server = Server::start(vec![Act::Chunked(recorded(dialect, stream))]).await;
            let world = World::new(route(dialect, &server.url), limits()).await;
            let mut ask = ask_of(&world.run);
            for attempt in 1..=3 {
                ask.attempt = attempt;
                world.ask(&ask, None).await.unwrap();
            }
            assert_eq!((server.seen().len(), server.connections()), (3, 1));
        }
    }
}

#[tokio::test]
async fn the_public_address_takes_the_limit_under_its_own_name() {
    let world = World::new(Route::new("offline", "x", 1), limits()).await;
    let ask = ask_of(&world.run);
    let route = Route::new("openai", "gpt-5-mini", 4_000);
    let call = Call {
        ask: &ask,
        route: &route,
        limits: &limits(),
        now: Timestamp::default(),
        permit: None,
        heard: &Heard::default(),
        key: None,
    };
    let body = |habits| -> Value {
        let bytes = compatible::body(&call, SchemaSupport::Full, habits);
        serde_json::from_slice(&bytes).unwrap()
    };
    assert_eq!(body(openai::PUBLIC)["max_completion_tokens"], 4_000);
    assert_eq!(body(openai::PUBLIC).get("max_tokens"), None);
    assert_eq!(body(Habits::USUAL)["max_tokens"], 4_000);
    assert_eq!(body(Habits::USUAL).get("max_completion_tokens"), None);
    assert_eq!(body(Habits::USUAL).get("temperature"), None);
}

#[tokio::test]
async fn a_server_may_answer_whole_where_a_stream_was_asked_for() {
    for dialect in DIALECTS {
        let server = Server::start(vec![Act::json(recorded(dialect, false))]).await;
        let world = World::new(route(dialect, &server.url), limits()).await;
        assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
    }
}

#[tokio::test]
async fn the_same_ask_again_is_answered_from_the_store_for_nothing() {
    let server = Server::start(vec![Act::json(recorded("openai", true))]).await;
    let mut world = World::new(route("openai", &server.url), limits()).await;
    let ask = ask_of(&world.run);
    let first = world.ask(&ask, None).await.unwrap();
    // Neither key nor server nor budget is needed for what is known.
    let mut keyless = Route::new("openai", "priced", 4_000);
    keyless.temperature = Some(0.5);
    world.reroute(&keyless);
    let second = world.ask(&ask, Some(MicroUsd::ZERO)).await.unwrap();
    assert_eq!(
        (second.source, second.cost),
        (AskSource::Cache, MicroUsd::ZERO)
    );
    assert_eq!((&second.text, second.key), (&first.text, first.key));
    assert_eq!(server.seen().len(), 1);
    let cost = world.cost().await;
    assert_eq!((cost.asks, cost.cached, cost.spent), (2, 1, first.cost));
}

#[tokio::test]
async fn another_attempt_is_another_ask() {
    let server = Server::start(vec![Act::json(recorded("openai", true))]).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    let mut ask = ask_of(&world.run);
    for attempt in 1..=3 {
        ask.attempt = attempt;
        assert_eq!(
            world.ask(&ask, None).await.unwrap().source,
            AskSource::Provider
        );
    }
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_wrong_key_is_named_with_its_remedy_and_never_shown() {
    for status in [401, 403] {
        let script = |dialect: &str, _| {
            let body = String::from_utf8(fixture(&format!("{dialect}/error.json"))).unwrap();
            vec![Act::error(status, &body)]
        };
        check_error(script, limits(), 1, |error| {
            assert!(
                matches!(error, AskError::Credentials { status: Some(said), .. } if *said == status)
            );
            assert_eq!(error.kind(), AskErrorKind::Credentials);
            assert!(error.hint().contains("_API_KEY"));
        })
        .await;
    }
}

#[tokio::test]
async fn a_key_that_is_missing_is_known_before_anything_is_sent() {
    for (dialect, variable) in [
        ("openai", "OPENAI_API_KEY"),
        ("responses", "OPENAI_API_KEY"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("gemini", "GEMINI_API_KEY"),
    ] {
        let world = World::new(Route::new(dialect, "priced", 4_000), limits()).await;
        let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
        assert!(matches!(error, AskError::Credentials { status: None, .. }));
        assert!(error.hint().contains(variable));
        check_record(&world, &error).await;
    }
}

#[tokio::test]
async fn an_account_without_credit_is_not_asked_again() {
    let body = r#"{"error":{"message":"You exceeded your quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    for status in [402, 429] {
        check_error(
            |_, _| vec![Act::error(status, body)],
            limits(),
            1,
            |error| {
                assert!(matches!(error, AskError::Credentials { .. }), "{error:?}");
                assert!(error.hint().contains("credit"));
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_wrong_key_is_known_also_where_its_status_says_nothing() {
    let body = String::from_utf8(fixture("gemini/error.json")).unwrap();
    let script = |_: &str, _| vec![Act::error(400, &body)];
    check_error(script, limits(), 1, |error| {
        assert!(
            matches!(
                error,
                AskError::Credentials {
                    status: Some(400),
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.hint().contains("_API_KEY"), "{}", error.hint());
    })
    .await;
}

#[tokio::test]
async fn a_server_that_gave_up_in_the_middle_is_asked_again() {
    for (reason, status) in [("error", 500), ("insufficient_system_resource", 503)] {
        let choice = json!({"delta": {"content": "half"}, "finish_reason": reason});
        let stream = format!("data: {}\n\ndata: [DONE]\n\n", json!({"choices": [choice]}));
        let server = Server::start(vec![Act::json(stream)]).await;
        let world = World::new(route("openai", &server.url), limits()).await;
        let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
        let AskError::Provider {
            status: said,
            tries: 3,
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(said, status);
    }
}

#[tokio::test]
async fn an_answer_that_used_up_its_limit_is_cut_whatever_the_server_says() {
    // One server cut three answers at 24 tokens, and said so in two dialects of three.
    let table = [
        ("llamacpp", "chat"),
        ("anthropic", "messages"),
        ("responses", "responses"),
    ];
    for (provider, recorded) in table {
        let recorded = fixture(&format!("llamacpp/{recorded}-cut.sse"));
        let server = Server::start(vec![Act::json(recorded)]).await;
        for (tokens_max, stop) in [(24, StopReason::Length), (25, StopReason::End)] {
            let route = Route {
                tokens_max,
                ..route(provider, &server.url)
            };
            let world = World::new(route, limits()).await;
            let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
            assert_eq!(reply.usage.output, 24);
            assert_eq!(reply.text.chars().count(), 24, "{provider}");
            if provider == "responses" {
                assert_eq!(reply.stop, stop);
            } else {
                assert_eq!(reply.stop, StopReason::Length);
            }
        }
    }
}

#[tokio::test]
async fn a_refused_request_is_not_sent_again() {
    for status in [301, 400, 404, 413, 422] {
        let script = |_: &str, _| {
            let body = br#"{"error":{"message":"model `x` unknown"}}"#.to_vec();
            vec![Act::Answer(
                status,
                vec![("location", "/v1/elsewhere".to_owned())],
                body,
            )]
        };
        check_error(script, limits(), 1, |error| {
            let AskError::Refused {
                status: got, said, ..
            } = error
            else {
                panic!("{error:?}");
            };
            assert_eq!((*got, said.as_str()), (status, "model `x` unknown"));
            assert_eq!(error.kind(), AskErrorKind::Provider);
        })
        .await;
    }
}

#[tokio::test]
async fn a_failing_provider_is_tried_as_often_as_allowed() {
    for status in [408, 409, 500, 503, 529] {
        check_error(|_, _| vec![Act::error(status, "busy")], limits(), 3, |error| {
            assert!(matches!(error, AskError::Provider { status: got, tries: 3, said, .. } if *got == status && said == "busy"));
        })
        .await;
    }
    check_error(
        |_, _| vec![Act::error(429, "")],
        limits(),
        3,
        |error| {
            assert!(matches!(
                error,
                AskError::RateLimited {
                    status: 429,
                    tries: 3,
                    ..
                }
            ));
        },
    )
    .await;
}

#[tokio::test]
async fn broken_connections_are_tried_again() {
    let cut =
        |dialect: &str, stream: bool| vec![Act::Cut(recorded(dialect, stream)[..90].to_vec())];
    check_error(cut, limits(), 3, |error| {
        assert!(
            matches!(error, AskError::Network { tries: 3, .. }),
            "{error:?}"
        );
    })
    .await;
    check_error(
        |_, _| vec![Act::Slam],
        limits(),
        3,
        |error| {
            assert!(
                matches!(error, AskError::Network { tries: 3, .. }),
                "{error:?}"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn nobody_there_is_a_network_error() {
    for dialect in DIALECTS {
        let server = Server::start(vec![Act::Slam]).await;
        let route = route(dialect, &server.url);
        drop(server);
        // The listener goes with its task, which ends when the runtime next looks at it.
        tokio::task::yield_now().await;
        let world = World::new(route, limits()).await;
        let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
        assert!(matches!(error, AskError::Network { .. }), "{error:?}");
        assert_eq!(world.cost().await.spent, MicroUsd::ZERO);
    }
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_never_sent_the_question() {
    for dialect in DIALECTS {
        let server = Server::start(vec![Act::Slam]).await;
        let mut url = server.url.clone();
        url.set_scheme("https").unwrap();
        let world = World::new(route(dialect, &url), limits()).await;
        let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
        assert!(matches!(error, AskError::Network { .. }), "{error:?}");
        assert!(error.to_string().contains(url.authority()), "{error}");
        assert_eq!(world.cost().await.spent, MicroUsd::ZERO);
    }
}

#[tokio::test]
async fn half_an_answer_is_never_an_answer() {
    let half = |dialect: &str, stream: bool| {
        let bytes = recorded(dialect, stream);
        vec![Act::json(bytes[..bytes.len() / 2].to_vec())]
    };
    check_error(half, limits(), 3, |error| {
        assert!(
            matches!(error, AskError::Truncated { tries: 3 }),
            "{error:?}"
        );
        assert_eq!(error.kind(), AskErrorKind::Provider);
    })
    .await;
    check_error(
        |_, _| vec![Act::json("")],
        limits(),
        3,
        |error| {
            assert!(
                matches!(error, AskError::Truncated { tries: 3 }),
                "{error:?}"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn a_page_in_the_place_of_an_answer_is_malformed() {
    check_error(
        |_, _| vec![Act::json("<html>Sign in</html>")],
        limits(),
        1,
        |error| {
            assert!(matches!(error, AskError::Malformed { .. }), "{error:?}");
            assert!(error.hint().contains("base_url"));
        },
    )
    .await;
}

#[tokio::test]
async fn an_answer_beyond_its_limit_is_refused() {
    let small = Limits {
        reply_bytes_max: 10,
        ..limits()
    };
    let script = |dialect: &str, stream| vec![Act::json(recorded(dialect, stream))];
    check_error(script, small, 1, |error| {
        assert!(
            matches!(error, AskError::TooLarge { limit: 10 }),
            "{error:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn each_wait_has_its_limit() {
    let once = Limits {
        ask_tries_max: 1,
        ..limits()
    };
    let first = Limits {
        first_byte_ms_max: 60,
        ..once.clone()
    };
    check_error(
        |_, _| vec![Act::Hang],
        first.clone(),
        1,
        timed_out(Wait::FirstByte, 60),
    )
    .await;
    // A head is no answer yet.
    check_error(
        |_, _| vec![Act::Stall(vec![])],
        first,
        1,
        timed_out(Wait::FirstByte, 60),
    )
    .await;
    let idle = Limits {
        ask_idle_ms_max: 60,
        ..once.clone()
    };
    let stall = |dialect: &str, stream| vec![Act::Stall(recorded(dialect, stream)[..90].to_vec())];
    check_error(stall, idle, 1, timed_out(Wait::Idle, 60)).await;
    let total = Limits {
        ask_total_ms_max: 120,
        ..once
    };
    check_error(
        |_, _| vec![Act::Drip(5)],
        total,
        1,
        timed_out(Wait::Total, 120),
    )
    .await;
}

fn timed_out(wait: Wait, limit: u64) -> impl Fn(&AskError) {
    move |error| {
        let AskError::TimedOut {
            which,
            limit_ms,
            tries: 1,
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((*which, *limit_ms), (wait, limit));
        assert!(error.hint().contains(wait.limit_name()));
    }
}

#[tokio::test]
async fn an_ask_ends_when_it_is_cancelled() {
    for dialect in DIALECTS {
        let server = Server::start(vec![Act::Hang]).await;
        let world = World::new(route(dialect, &server.url), limits()).await;
        let ask = ask_of(&world.run);
        let asking = world.ask(&ask, None);
        let cancelling = async {
            while server.seen().is_empty() {
                tokio::task::yield_now().await;
            }
            world.cancel.cancel();
        };
        let (answered, ()) = tokio::join!(asking, cancelling);
        let error = answered.unwrap_err();
        assert_eq!(error.kind(), AskErrorKind::Cancelled);
        check_record(&world, &error).await;
        // It was sent, so the provider may charge for it.
        assert!(world.cost().await.spent > MicroUsd::ZERO);
    }
}

#[tokio::test]
async fn nothing_is_sent_once_it_is_cancelled() {
    let server = Server::start(vec![Act::Hang]).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    world.cancel.cancel();
    let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
    assert!(matches!(error, AskError::Cancelled));
    assert!(server.seen().is_empty());
    assert!(world.asks().await.is_empty());
}

#[tokio::test]
async fn the_schema_is_sent_only_where_the_route_says_so() {
    let server = Server::start(vec![Act::json(recorded("openai", true))]).await;
    let structured = Route {
        structured: true,
        ..route("openai", &server.url)
    };
    let world = World::new(structured, limits()).await;
    world.ask(&ask_of(&world.run), None).await.unwrap();
    let format = &server.seen()[0].body["response_format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(
        format["json_schema"],
        json!({"name": "Design", "schema": {"type": "object"}})
    );
}

#[tokio::test]
async fn everything_that_decides_an_answer_is_in_its_key() {
    let server = Server::start(vec![Act::Hang]).await;
    let base = route("openai", &server.url);
    let world = World::new(base.clone(), limits()).await;
    let ask = ask_of(&world.run);
    let key = world.gateway.key(&ask);
    let mut other = ask.clone();
    other.facts = json!({"requirement": "else"});
    assert_eq!(world.gateway.key(&other), key, "facts are not for models");
    other.messages[1].text.push('!');
    assert_ne!(world.gateway.key(&other), key);
    let routes = [
        Route {
            model: "other".to_owned(),
            ..base.clone()
        },
        Route {
            temperature: None,
            ..base.clone()
        },
        Route {
            tokens_max: 1,
            ..base.clone()
        },
        Route {
            structured: true,
            ..base.clone()
        },
    ];
    for route in routes {
        assert_ne!(World::new(route, limits()).await.gateway.key(&ask), key);
    }
    let same = [
        Route {
            stream: false,
            ..base.clone()
        },
        Route {
            key: None,
            ..base.clone()
        },
        Route {
            provider: "anthropic".to_owned(),
            ..base
        },
    ];
    for route in same {
        assert_eq!(World::new(route, limits()).await.gateway.key(&ask), key);
    }
}

#[tokio::test]
async fn offline_answers_from_the_facts_without_server_key_or_price() {
    let world = World::new(Route::new("offline", "scaffold", 4_000), limits()).await;
    let mut ask = ask_of(&world.run);
    ask.facts = fixture_json("offline/facts.json");
    let key = world.gateway.key(&ask);
    let reply = world.ask(&ask, Some(MicroUsd::ZERO)).await.unwrap();
    let expected = fixture_json("offline/completion.json");
    for part in expected["contains"].as_array().unwrap() {
        assert!(
            reply.text.contains(part.as_str().unwrap()),
            "{part} in {}",
            reply.text
        );
    }
    assert_eq!(
        serde_json::to_value(reply.usage).unwrap(),
        expected["usage"]
    );
    assert_eq!(reply.cost, MicroUsd::ZERO);
    ask.facts["requirement"] = json!("A library in Go called `words`.");
    assert_ne!(world.gateway.key(&ask), key, "other facts, another answer");
}

#[tokio::test]
async fn offline_says_what_it_cannot_do() {
    let world = World::new(Route::new("offline", "scaffold", 4_000), limits()).await;
    let mut ask = ask_of(&world.run);
    ask.facts = json!({"requirement": "", "files": []});
    let error = world.ask(&ask, None).await.unwrap_err();
    assert!(matches!(error, AskError::Scaffold(_)));
    check_record(&world, &error).await;
    ask.facts = Value::Null;
    let error = world.ask(&ask, None).await.unwrap_err();
    assert_eq!(error.kind(), AskErrorKind::Internal);
}

#[tokio::test]
async fn an_estimate_stays_below_its_worst_case() {
    let server = Server::start(vec![Act::Hang]).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    for stage in Stage::ALL {
        let estimate = world.gateway.estimate(stage, 10_000);
        assert_eq!(estimate.input_tokens, 2_500);
        assert!(estimate.output_tokens <= 4_000);
        assert!(estimate.expected.unwrap() < estimate.most.unwrap());
    }
    let unknown = Route {
        base_url: None,
        model: "unknown".to_owned(),
        ..route("openai", &server.url)
    };
    let world = World::new(unknown, limits()).await;
    assert_eq!(world.gateway.estimate(Stage::Code, 1).most, None);
}
