//! What of settings reaches a command that installs.

use super::Trusted;

fn check(registries: &[&str], text: &str, expected: &str) {
    let registries: Vec<String> = registries.iter().map(ToString::to_string).collect();
    assert_eq!(Trusted::new(&registries).settings(text), expected);
}

const NPM: &str = "registry=https://npm.example.com/\n//npm.example.com/:_authToken=abc\n\
                   //other.example.org:8443/npm/:_password=def\n_auth=ghi\nalways-auth=true\n\
                   strict-ssl=true\n";

#[test]
fn tokens_of_npm_go_to_hosts_that_are_named_alone() {
    check(
        &[],
        NPM,
        "registry=https://npm.example.com/\nalways-auth=true\nstrict-ssl=true\n",
    );
    check(
        &["npm.example.com"],
        NPM,
        "registry=https://npm.example.com/\n//npm.example.com/:_authToken=abc\n\
         always-auth=true\nstrict-ssl=true\n",
    );
    check(
        &["*.example.org:8443"],
        NPM,
        "registry=https://npm.example.com/\n//other.example.org:8443/npm/:_password=def\n\
         always-auth=true\nstrict-ssl=true\n",
    );
}

#[test]
fn addresses_name_nobody() {
    let pip = "[global]\nindex-url = https://me:word@pypi.example.com/simple\n\
               extra-index-url = https://tok@b.example.com:8081/simple\n";
    check(
        &[],
        pip,
        "[global]\nindex-url = https://pypi.example.com/simple\n\
         extra-index-url = https://b.example.com:8081/simple\n",
    );
    check(
        &["pypi.example.com"],
        pip,
        "[global]\nindex-url = https://me:word@pypi.example.com/simple\n\
         extra-index-url = https://b.example.com:8081/simple\n",
    );
    let go = "GOPROXY=https://u:p@go.example.com,https://proxy.golang.org,direct\nGOAUTH=netrc\n";
    check(
        &[],
        go,
        "GOPROXY=https://go.example.com,https://proxy.golang.org,direct\n",
    );
}

#[test]
fn a_table_belongs_to_the_host_it_names() {
    let cargo = "[registries.own]\nindex = \"sparse+https://crates.example.com/\"\n\
                 token = \"abc\"\n[registries.other]\nindex = \"https://x.example.com/\"\n\
                 token = \"def\"\n";
    check(
        &["crates.example.com"],
        cargo,
        "[registries.own]\nindex = \"sparse+https://crates.example.com/\"\n\
         token = \"abc\"\n[registries.other]\nindex = \"https://x.example.com/\"\n",
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in ".{0,300}") {
        let kept = Trusted::default().settings(&text);
        proptest::prop_assert!(kept.len() <= text.len());
    }
}
