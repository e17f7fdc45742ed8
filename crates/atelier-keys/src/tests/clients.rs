//! Clients: who is let in, and who is not.

use atelier_model::MicroUsd;

use super::{SECRET, World, at};
use crate::{Action, ClientTerms, Clients, Issued, KeyStoreError, Role, Turned};

fn issue(world: &World, name: &str, terms: ClientTerms) -> Issued {
    world.store.client_issue(name, terms, at(0)).unwrap()
}

fn ask(clients: &Clients, issued: &Issued, seconds: i64) -> Result<String, Turned> {
    let shown = issued.value.expose();
    let admitted = clients.admit(shown, Action::Ask, Some("chat"), at(seconds));
    admitted.map(|client| client.name.clone())
}

#[test]
fn an_issued_key_opens_the_door_and_its_value_is_kept_nowhere() {
    let world = World::new();
    let clients = Clients::open(world.store.clone()).unwrap();
    assert!(clients.are_none());
    let issued = issue(&world, "laptop", ClientTerms::of(Role::Builder));
    let value = issued.value.expose();
    assert!(value.starts_with("atl_"));
    assert_eq!(value.len(), 4 + 64);
    assert!(!clients.are_none());
    assert_eq!(ask(&clients, &issued, 1).as_deref(), Ok("laptop"));
    assert!(!world.holds(value) && !world.holds(&value[4..]));
    assert!(!format!("{issued:?} {clients:?}").contains(&value[4..]));
    for wrong in [
        "",
        "atl_",
        &value[..value.len() - 1],
        &format!("{value}0"),
        "sk-other",
    ] {
        let turned = clients.admit(wrong, Action::Ask, None, at(1));
        assert_eq!(turned, Err(Turned::Unknown), "{wrong}");
    }
}

#[test]
fn a_revoked_key_opens_nothing_from_the_next_request_on() {
    let world = World::new();
    let clients = Clients::open(world.store.clone()).unwrap();
    let issued = issue(&world, "laptop", ClientTerms::of(Role::Admin));
    assert!(ask(&clients, &issued, 1).is_ok());
    world.store.client_revoke("laptop", at(2)).unwrap();
    let name = "laptop".to_owned();
    assert_eq!(ask(&clients, &issued, 2), Err(Turned::Revoked { name }));
    assert!(!clients.are_none(), "the door stays shut");
    assert_eq!(world.store.forget_revoked().unwrap(), 1);
    assert_eq!(ask(&clients, &issued, 3), Err(Turned::Unknown));
    std::fs::remove_file(world.store.path()).unwrap();
    assert!(
        !clients.are_none(),
        "a file that is gone opens the door to nobody"
    );
    issue(&world, "laptop", ClientTerms::of(Role::Viewer));
}

#[test]
fn forgetting_the_last_revoked_key_opens_no_door_until_that_is_asked_for() {
    let world = World::new();
    let is_open = || Clients::open(world.store.clone()).unwrap().are_none();
    assert!(is_open());
    let issued = issue(&world, "laptop", ClientTerms::of(Role::Builder));
    let refused = world.store.forget_issuing().unwrap_err();
    let KeyStoreError::StillIssued { id } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*id, issued.client.id);
    world.store.client_revoke("laptop", at(1)).unwrap();
    assert_eq!(world.store.forget_revoked().unwrap(), 1);
    assert!(!is_open(), "a gateway that starts now remembers it");
    let running = Clients::open(world.store.clone()).unwrap();
    world.add("openai", "default", SECRET);
    assert!(!is_open(), "and so does a file that was written since");
    world.store.forget_issuing().unwrap();
    assert!(is_open());
    assert!(!running.are_none(), "one that runs stays as it was started");
}

#[test]
fn a_key_ends_when_its_time_is_over() {
    let world = World::new();
    let terms = ClientTerms {
        expires_at: Some(at(10)),
        ..ClientTerms::of(Role::Builder)
    };
    let issued = issue(&world, "guest", terms);
    let clients = Clients::open(world.store.clone()).unwrap();
    assert!(ask(&clients, &issued, 9).is_ok());
    let name = "guest".to_owned();
    let turned = Turned::Expired { name, at: at(10) };
    assert_eq!(turned.status(), 401);
    assert_eq!(ask(&clients, &issued, 10), Err(turned));
}

#[test]
fn a_role_and_a_dialect_bound_what_a_key_opens() {
    let world = World::new();
    let clients = Clients::open(world.store.clone()).unwrap();
    let viewer = issue(&world, "screen", ClientTerms::of(Role::Viewer));
    let turned = ask(&clients, &viewer, 1).unwrap_err();
    assert_eq!(turned.status(), 403);
    assert!(turned.to_string().contains("viewer"), "{turned}");
    let terms = ClientTerms {
        dialects: vec!["messages".to_owned()],
        ..ClientTerms::of(Role::Builder)
    };
    let narrow = issue(&world, "narrow", terms);
    let turned = ask(&clients, &narrow, 1).unwrap_err();
    assert_eq!(turned.status(), 403);
    let shown = narrow.value.expose();
    assert!(
        clients
            .admit(shown, Action::Ask, Some("messages"), at(1))
            .is_ok()
    );
    assert!(clients.admit(shown, Action::SeeModels, None, at(1)).is_ok());
}

#[test]
fn so_many_requests_pass_in_any_sixty_seconds_and_no_more() {
    let world = World::new();
    let terms = ClientTerms {
        requests_per_minute: Some(3),
        ..ClientTerms::of(Role::Builder)
    };
    let issued = issue(&world, "busy", terms);
    let clients = Clients::open(world.store.clone()).unwrap();
    let passed: Vec<i64> = (0..600)
        .filter(|&second| ask(&clients, &issued, second).is_ok())
        .collect();
    assert_eq!(passed.len(), 30);
    for start in 0..600 {
        let within = passed
            .iter()
            .filter(|&&one| (start..start + 60).contains(&one));
        assert!(within.count() <= 3, "{start}");
    }
    let turned = ask(&clients, &issued, 600 - 1).unwrap_err();
    let Turned::TooOften { wait_ms, .. } = turned else {
        panic!("{turned}");
    };
    assert_eq!(wait_ms, 1_000, "the oldest of three came at second 540");
}

#[test]
fn names_of_models_fit_their_patterns() {
    let cases = [
        ("gpt-5", "gpt-5", true),
        ("gpt-5", "gpt-5-mini", false),
        ("gpt-5*", "gpt-5-mini", true),
        ("*mini", "gpt-5-mini", true),
        ("*mini", "gpt-5-mini-2", false),
        ("openai/*", "openai/gpt-5", true),
        ("openai/*", "anthropic/openai/x", false),
        ("a*b*c", "a-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("ab*ba", "aba", false),
        ("*", "", true),
        ("", "x", false),
    ];
    for (pattern, model, expected) in cases {
        let terms = ClientTerms {
            models: vec![pattern.to_owned()],
            ..ClientTerms::of(Role::Builder)
        };
        assert_eq!(terms.allow_model(model), expected, "{pattern} {model}");
    }
    assert!(ClientTerms::of(Role::Builder).allow_model("anything"));
}

#[test]
fn terms_survive_the_file() {
    let world = World::new();
    let terms = ClientTerms {
        role: Role::Approver,
        models: vec!["gpt-*".to_owned()],
        dialects: vec!["chat".to_owned()],
        expires_at: Some(at(99)),
        budget_day: Some(MicroUsd(1_500_000)),
        budget_total: Some(MicroUsd(9_000_000)),
        requests_per_minute: Some(7),
    };
    let issued = issue(&world, "whole", terms.clone());
    let read = world.store.read().unwrap();
    assert_eq!(read.clients, [issued.client]);
    assert_eq!(read.clients[0].terms, terms);
}

#[test]
fn terms_that_open_nothing_and_taken_names_are_refused() {
    let world = World::new();
    let open = || ClientTerms::of(Role::Builder);
    let issue = |name: &str, terms| world.store.client_issue(name, terms, at(5));
    for terms in [
        ClientTerms {
            requests_per_minute: Some(0),
            ..open()
        },
        ClientTerms {
            models: vec!["gpt-5".to_owned(), " ".to_owned()],
            ..open()
        },
        ClientTerms {
            expires_at: Some(at(5)),
            ..open()
        },
    ] {
        let refused = issue("laptop", terms);
        assert!(matches!(refused, Err(KeyStoreError::OpensNothing { .. })));
    }
    assert!(matches!(issue("a\nb", open()), Err(KeyStoreError::NoName)));
    let spaced = ClientTerms {
        models: vec![" gpt-5 ".to_owned()],
        ..open()
    };
    let issued = issue("laptop", spaced).unwrap();
    assert!(issued.client.terms.allow_model("gpt-5"));
    let taken = issue("laptop", open()).unwrap_err();
    assert!(matches!(taken, KeyStoreError::ClientNameTaken { .. }));
    let way_out = format!("atelier keys revoke {}", issued.client.id);
    assert!(taken.hint().contains(&way_out), "{}", taken.hint());
}
