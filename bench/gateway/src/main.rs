//! A provider that answers at once, and clients that ask and measure.
//!
//! `gateway-bench mock PORT` answers chat completions: 514 bytes, or a stream of 25 events.
//! `gateway-bench load ADDRESS PATH CONNECTIONS SECONDS whole|stream SORT MODEL` asks as fast as it
//! is answered and prints one JSON object. SORT is `unique` where every question is another one,
//! `same` where all are one, and a number where each client asks so many questions, which are the
//! same whenever it asks again; `BENCH_PAUSE_MS` is waited after each. Both speak HTTP by hand, so
//! that they cost little beside what is measured, and both send small packets at once.

use std::{
    env,
    io::{Error, ErrorKind},
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::LocalSet,
};

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Events of a stream, before the last one and the end.
const EVENTS: usize = 25;

/// Seconds before anything is counted.
const WARM_S: f64 = 1.0;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::FAILURE;
    };
    let set = LocalSet::new();
    let ended = match words.as_slice() {
        ["mock", port] => set.block_on(&runtime, mock(port)),
        ["load", rest @ ..] if rest.len() == 7 => set.block_on(&runtime, load(rest)),
        _ => {
            eprintln!("usage: gateway-bench mock PORT");
            eprintln!("       gateway-bench load ADDRESS PATH CONNECTIONS SECONDS whole|stream unique|same|COUNT MODEL");
            return ExitCode::from(2);
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A request or a response as it arrives: how long it is, and whether it is all there.
#[derive(Default)]
struct Arrival {
    bytes: Vec<u8>,
    body: Option<usize>,
    length: Option<usize>,
}

impl Arrival {
    /// Takes what has arrived; whether it is complete.
    fn is_complete(&mut self) -> bool {
        if self.body.is_none() {
            let Some(end) = find(&self.bytes, b"\r\n\r\n", 0) else {
                return false;
            };
            self.body = Some(end + 4);
            let head = String::from_utf8_lossy(&self.bytes[..end]).to_ascii_lowercase();
            let length = head.split("content-length:").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok());
            let has_body = head.starts_with("http/") || head.contains("transfer-encoding");
            self.length = if has_body { length } else { Some(length.unwrap_or(0)) };
        }
        let body = self.body.unwrap_or_default();
        match self.length {
            Some(length) => self.bytes.len() >= body + length,
            None => self.bytes.ends_with(b"0\r\n\r\n"),
        }
    }

    fn body(&self) -> &[u8] {
        &self.bytes[self.body.unwrap_or_default()..]
    }
}

fn find(text: &[u8], part: &[u8], from: usize) -> Option<usize> {
    let found = text[from..].windows(part.len()).position(|at| at == part);
    found.map(|at| at + from)
}

// ---- the provider --------------------------------------------------------------------------

async fn mock(port: &str) -> Result<(), Error> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("{}", listener.local_addr()?);
    let whole = Rc::new(whole());
    let events: Rc<Vec<Vec<u8>>> = Rc::new(events());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (whole, events) = (Rc::clone(&whole), Rc::clone(&events));
        tokio::task::spawn_local(async move {
            // How a connection ends is its client's business.
            let _ = answer(stream, &whole, &events).await;
        });
    }
}

async fn answer(mut stream: TcpStream, whole: &[u8], events: &[Vec<u8>]) -> Result<(), Error> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let mut request = Arrival::default();
        while !request.is_complete() {
            let count = stream.read(&mut piece).await?;
            if count == 0 {
                return Ok(());
            }
            request.bytes.extend_from_slice(&piece[..count]);
        }
        let is_streamed = [&b"\"stream\":true"[..], b"\"stream\": true"];
        if is_streamed.iter().any(|word| find(request.body(), word, 0).is_some()) {
            for event in events {
                stream.write_all(event).await?;
            }
        } else {
            stream.write_all(whole).await?;
        }
    }
}

fn whole() -> Vec<u8> {
    let words = "The quick brown fox jumps over the lazy dog. ".repeat(4);
    let body = format!(
        r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1760000000,"model":"bench","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":120,"completion_tokens":40,"total_tokens":160,"prompt_tokens_details":{{"cached_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0}}}}}}"#,
        words.trim()
    );
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn events() -> Vec<Vec<u8>> {
    let chunk = |delta: &str, reason: &str| {
        format!(
            r#"data: {{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"bench","choices":[{{"index":0,"delta":{delta},"finish_reason":{reason}}}]}}"#
        )
    };
    let mut said: Vec<String> = (0..EVENTS)
        .map(|number| chunk(&format!(r#"{{"content":"word {number} "}}"#), "null"))
        .collect();
    said.push(chunk("{}", "\"stop\""));
    said.push(r#"data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"bench","choices":[],"usage":{"prompt_tokens":120,"completion_tokens":40,"total_tokens":160}}"#.to_owned());
    said.push("data: [DONE]".to_owned());
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut written = vec![head.as_bytes().to_vec()];
    written.extend(said.iter().map(|event| {
        let event = format!("{event}\n\n");
        format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
    }));
    written.push(b"0\r\n\r\n".to_vec());
    written
}

// ---- the clients ---------------------------------------------------------------------------

/// What one client does.
struct Plan {
    address: String,
    path: String,
    is_streamed: bool,
    sort: Sort,
    model: String,
    pause: Duration,
    /// Further lines of the head.
    headers: String,
}

/// Which questions are asked.
#[derive(Clone, Copy)]
enum Sort {
    /// Every one is another.
    Unique,
    /// All are one.
    Same,
    /// So many of each client, which it asks again the next time.
    Numbered(u64),
}

/// Milliseconds to the first byte of the body and to the last, of one answer.
type Times = (f64, f64);

async fn load(words: &[&str]) -> Result<(), Error> {
    let number = |text: &str| text.parse::<f64>().map_err(|error| Error::new(ErrorKind::InvalidInput, error));
    let (connections, seconds) = (number(words[2])? as usize, number(words[3])?);
    let sort = match words[5] {
        "unique" => Sort::Unique,
        "same" => Sort::Same,
        count => Sort::Numbered(number(count)? as u64),
    };
    let pause_ms = env::var("BENCH_PAUSE_MS").ok().and_then(|text| text.parse().ok());
    let plan = Rc::new(Plan {
        address: words[0].to_owned(),
        path: words[1].to_owned(),
        is_streamed: words[4] == "stream",
        sort,
        model: words[6].to_owned(),
        headers: env::var("BENCH_HEADERS").unwrap_or_default(),
        pause: Duration::from_millis(pause_ms.unwrap_or(0)),
    });
    let began = Instant::now();
    let warm_s = if matches!(sort, Sort::Numbered(_)) { 0.0 } else { WARM_S };
    let counted = began + Duration::from_secs_f64(warm_s);
    let until = counted + Duration::from_secs_f64(seconds);
    let clients: Vec<_> = (0..connections)
        .map(|client| tokio::task::spawn_local(ask(Rc::clone(&plan), client, (counted, until))))
        .collect();
    let mut times = Vec::new();
    let mut failed = 0;
    for client in clients {
        match client.await.map_err(Error::other)? {
            Ok(some) => times.extend(some),
            Err(error) => {
                eprintln!("{error}");
                failed += 1;
            }
        }
    }
    let seconds = seconds.min(counted.elapsed().as_secs_f64());
    let (mut first, mut total): (Vec<f64>, Vec<f64>) = times.into_iter().unzip();
    first.sort_by(f64::total_cmp);
    total.sort_by(f64::total_cmp);
    println!(
        r#"{{"connections":{connections},"requests":{},"failed":{failed},"per_second":{:.1},"first_p50_ms":{:.4},"first_p99_ms":{:.4},"p50_ms":{:.4},"p99_ms":{:.4}}}"#,
        total.len(),
        total.len() as f64 / seconds,
        share(&first, 0.5),
        share(&first, 0.99),
        share(&total, 0.5),
        share(&total, 0.99),
    );
    Ok(())
}

fn share(sorted: &[f64], part: f64) -> f64 {
    let place = (sorted.len() as f64 * part) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

async fn ask(plan: Rc<Plan>, client: usize, (counted, until): (Instant, Instant)) -> Result<Vec<Times>, Error> {
    let mut stream = TcpStream::connect(&plan.address).await?;
    stream.set_nodelay(true)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut times = Vec::new();
    for number in 0_u64.. {
        let request = request(&plan, client, number);
        let began = Instant::now();
        if began >= until || matches!(plan.sort, Sort::Numbered(count) if number >= count) {
            break;
        }
        stream.write_all(&request).await?;
        let mut response = Arrival::default();
        let mut first = None;
        loop {
            let count = stream.read(&mut piece).await?;
            if count == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the connection was closed"));
            }
            response.bytes.extend_from_slice(&piece[..count]);
            let is_complete = response.is_complete();
            if first.is_none() && response.body.is_some_and(|body| response.bytes.len() > body) {
                first = Some(began.elapsed());
            }
            if is_complete {
                break;
            }
        }
        check(&response, plan.is_streamed)?;
        if began >= counted {
            let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
            let total = began.elapsed();
            times.push((ms(first.unwrap_or(total)), ms(total)));
        }
        if !plan.pause.is_zero() {
            tokio::time::sleep(plan.pause).await;
        }
    }
    Ok(times)
}

fn request(plan: &Plan, client: usize, number: u64) -> Vec<u8> {
    let salt = match plan.sort {
        Sort::Unique => format!("{client}-{number}-{:?}", Instant::now()),
        Sort::Same => "same".to_owned(),
        Sort::Numbered(_) => format!("{client}-{number}"),
    };
    let model = &plan.model;
    let stream = if plan.is_streamed {
        r#","stream":true,"stream_options":{"include_usage":true}"#
    } else {
        ""
    };
    let body = format!(
        r#"{{"model":"{model}","max_tokens":256,"messages":[{{"role":"system","content":"You answer in one sentence."}},{{"role":"user","content":"How many leaves has tree {}?"}}]{stream}}}"#,
        salt.replace(['"', '\\'], "")
    );
    format!(
        "POST {} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nauthorization: Bearer sk-bench-0123456789\r\n{}content-length: {}\r\n\r\n{body}",
        plan.path,
        plan.headers,
        body.len()
    )
    .into_bytes()
}

/// Half an answer, or another one, would be measured as a fast one.
fn check(response: &Arrival, is_streamed: bool) -> Result<(), Error> {
    let is_ok = response.bytes.starts_with(b"HTTP/1.1 200");
    let end: &[u8] = if is_streamed { b"[DONE]" } else { b"lazy dog" };
    if is_ok && find(response.body(), end, 0).is_some() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&response.bytes);
    let said: String = said.chars().take(600).collect();
    Err(Error::other(format!("no answer: {said}")))
}
