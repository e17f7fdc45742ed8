//! Requests to a service that a command runs.

use atelier_exec::{Command, Confinement, RequestError, Service, free_port};
use atelier_model::Network;
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;

/// A server that answers `POST /echo` with the body and its content type, everything else with 404.
const SERVER: &str = r#"
    use IO::Socket::INET;
    sleep $ARGV[1] if $ARGV[1];
    my $server = IO::Socket::INET->new(
        LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 5, ReuseAddr => 1) or die "listen: $!";
    while (my $peer = $server->accept) {
        my $line = <$peer>;
        my ($length, $type) = (0, "none");
        while (my $header = <$peer>) {
            last if $header =~ /^\r?\n$/;
            $length = $1 if $header =~ /^content-length: (\d+)/i;
            $type = $1 if $header =~ /^content-type: (\S+)/i;
        }
        read $peer, my $body, $length if $length;
        my ($status, $answer) = $line =~ m{^POST /echo } ? ("200 OK", "$type $body") : ("404 Not Found", "no");
        print $peer "HTTP/1.1 $status\r\nContent-Length: ", length $answer, "\r\nConnection: close\r\n\r\n$answer";
        close $peer;
    }
"#;

fn server(bench: &Bench, port: u16, delay_s: &str) -> Command {
    bench.command(&["perl", "-e", SERVER, &port.to_string(), delay_s])
}

async fn start(bench: &Bench, command: &Command) -> Service {
    let cancel = CancellationToken::new();
    bench.sandbox.serve(command, &cancel).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_asked_as_soon_as_it_listens() {
    let bench = Bench::new();
    let port = free_port().unwrap();
    let service = start(&bench, &server(&bench, port, "1")).await;
    answers(service, port).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_in_a_network_of_its_own_is_asked_there() {
    let bench = Bench::new();
    // Whoever listens here is not the one who is asked.
    let stranger = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = stranger.local_addr().unwrap().port();
    let light = Confinement {
        network: Network::Loopback,
        host_network: false,
        ..Confinement::light()
    };
    for confinement in [light, Confinement::strong()] {
        let command = Command {
            confinement,
            ..server(&bench, port, "1")
        };
        answers(start(&bench, &command).await, port).await;
    }
}

async fn answers(service: Service, port: u16) {
    let answer = service
        .request(port, "POST", "/echo", Some("{\"a\":1}"), 60_000)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "application/json {\"a\":1}")
    );
    let answer = service
        .request(port, "POST", "/echo", Some("plain"), 60_000)
        .await
        .unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "none plain"));
    let answer = service
        .request(port, "GET", "/missing", None, 60_000)
        .await
        .unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (404, "no"));
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_ended_or_never_listens_is_told_apart() {
    let bench = Bench::new();
    let port = free_port().unwrap();
    let ended = start(&bench, &bench.shell("exit 1")).await;
    let error = ended
        .request(port, "GET", "/", None, 60_000)
        .await
        .unwrap_err();
    assert!(matches!(error, RequestError::Ended), "{error}");
    let silent = start(&bench, &bench.shell("exec sleep 1000")).await;
    let error = silent
        .request(port, "GET", "/", None, 200)
        .await
        .unwrap_err();
    assert!(matches!(error, RequestError::TimedOut { .. }), "{error}");
    let error = silent
        .request(port, "GE T", "/", None, 200)
        .await
        .unwrap_err();
    assert!(matches!(error, RequestError::Request { .. }), "{error}");
    let error = silent
        .request(port, "GET", "@example.org/", None, 200)
        .await
        .unwrap_err();
    assert!(matches!(error, RequestError::Request { .. }), "{error}");
}
