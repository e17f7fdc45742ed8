//! A node of IPFS as far as archives need one: Kubo's addresses, its forms and its words.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Cursor, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use atelier_archive::{Block, Car, Cid, Codec, car_header, car_section};

/// A link in a node: tag 42, then 37 bytes, of which the first is nothing.
const LINK: [u8; 5] = [0xd8, 0x2a, 0x58, 0x25, 0];

/// What the node has.
#[derive(Default)]
struct Held {
    blocks: BTreeMap<Cid, Vec<u8>>,
    pinned: BTreeSet<Cid>,
    is_stopped: bool,
}

/// A running node.
pub(crate) struct Node {
    address: SocketAddr,
    held: Arc<Mutex<Held>>,
}

impl Node {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let held = Arc::<Mutex<Held>>::default();
        let mine = Arc::clone(&held);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if mine.lock().unwrap().is_stopped {
                    return;
                }
                serve(&stream.unwrap(), &mut mine.lock().unwrap());
            }
        });
        Self { address, held }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether it was told to hold an archive.
    pub(crate) fn holds(&self, root: &Cid) -> bool {
        self.held.lock().unwrap().pinned.contains(root)
    }

    /// Whether anything it has shows these bytes.
    pub(crate) fn shows(&self, bytes: &[u8]) -> bool {
        let held = self.held.lock().unwrap();
        let mut blocks = held.blocks.values();
        blocks.any(|block| block.windows(bytes.len()).any(|window| window == bytes))
    }

    /// Changes a byte of every block that links to no other.
    pub(crate) fn damage(&self) {
        let mut held = self.held.lock().unwrap();
        for (cid, block) in &mut held.blocks {
            if let Some(last) = block.last_mut().filter(|_| cid.codec() == Codec::Raw) {
                *last ^= 1;
            }
        }
    }

    /// Ends it; nobody answers from now on.
    pub(crate) fn stop(&self) {
        self.held.lock().unwrap().is_stopped = true;
        drop(TcpStream::connect(self.address));
    }
}

/// Answers one request. The connection is closed after it.
fn serve(stream: &TcpStream, held: &mut Held) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let (mut length, mut boundary) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => {
                let form = value.strip_prefix("multipart/form-data; boundary=");
                form.expect("a form").clone_into(&mut boundary);
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, said) = answer(&first, &boundary, &body, held);
    let begin = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
    let mut stream = stream;
    stream
        .write_all(&[begin.as_bytes(), &said].concat())
        .unwrap();
}

fn answer(first: &str, boundary: &str, body: &[u8], held: &mut Held) -> (&'static str, Vec<u8>) {
    let target = first
        .strip_prefix("POST /api/v0/")
        .expect("a post")
        .split(' ')
        .next();
    let (command, query) = target.unwrap().split_once('?').unwrap();
    match (command, query.split_once('=').unwrap()) {
        ("dag/import", ("pin-roots", pin)) => import(file(boundary, body), pin == "true", held),
        ("pin/add", ("arg", root)) => {
            let root: Cid = root.parse().unwrap();
            if let Some(cid) = missing(&root, held) {
                return not_found(&cid);
            }
            held.pinned.insert(root);
            let said = format!("{{\"Pins\":[\"{root}\"]}}\n");
            ("200 OK", said.into_bytes())
        }
        ("dag/export", ("arg", root)) => {
            let root: Cid = root.parse().unwrap();
            match missing(&root, held) {
                Some(cid) => not_found(&cid),
                None => ("200 OK", export(root, held)),
            }
        }
        other => panic!("no node knows {other:?}"),
    }
}

fn not_found(cid: &Cid) -> (&'static str, Vec<u8>) {
    let said = format!(
        "{{\"Message\":\"block was not found locally (offline): ipld: could not find {cid}\",\
         \"Code\":0,\"Type\":\"error\"}}\n"
    );
    ("500 Internal Server Error", said.into_bytes())
}

/// The one file of a form.
fn file<'a>(boundary: &str, body: &'a [u8]) -> &'a [u8] {
    let begin = format!("--{boundary}\r\n");
    let end = format!("\r\n--{boundary}--\r\n");
    let part = body.strip_prefix(begin.as_bytes()).expect("a part");
    let part = part
        .strip_suffix(end.as_bytes())
        .expect("the end of the form");
    let blank = part
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8_lossy(&part[..blank]).to_ascii_lowercase();
    assert!(
        head.contains("content-disposition: form-data; name=\"file\""),
        "{head}"
    );
    &part[blank + 4..]
}

fn import(file: &[u8], is_pinned: bool, held: &mut Held) -> (&'static str, Vec<u8>) {
    let mut input = Cursor::new(file);
    let mut car = Car::open(&mut input).unwrap();
    assert_eq!(car.damages(), []);
    let root = car.root();
    for cid in car.names() {
        let bytes = car.block(&cid).unwrap().unwrap();
        assert!(
            bytes.len() <= 1 << 20,
            "no node takes a block of {} bytes",
            bytes.len()
        );
        held.blocks.insert(cid, bytes);
    }
    if !is_pinned {
        return ("200 OK", Vec::new());
    }
    let error = missing(&root, held).map(|cid| format!("block was not found: {cid}"));
    if error.is_none() {
        held.pinned.insert(root);
    }
    let error = error.unwrap_or_default();
    let said =
        format!("{{\"Root\":{{\"Cid\":{{\"/\":\"{root}\"}},\"PinErrorMsg\":\"{error}\"}}}}\n");
    ("200 OK", said.into_bytes())
}

fn links(cid: &Cid, bytes: &[u8]) -> Vec<Cid> {
    if cid.codec() == Codec::Raw {
        return Vec::new();
    }
    let places = bytes
        .windows(LINK.len() + 36)
        .filter(|window| window.starts_with(&LINK));
    places
        .filter_map(|window| Cid::of_bytes(&window[LINK.len()..]))
        .collect()
}

/// Everything from a root on, the root first, each once.
fn reached(root: Cid, held: &Held) -> Vec<Cid> {
    let (mut reached, mut open) = (Vec::new(), vec![root]);
    while let Some(cid) = open.pop() {
        if !reached.contains(&cid) {
            reached.push(cid);
            if let Some(bytes) = held.blocks.get(&cid) {
                open.extend(links(&cid, bytes));
            }
        }
    }
    reached
}

/// The first thing that is not there.
fn missing(root: &Cid, held: &Held) -> Option<Cid> {
    let mut reached = reached(*root, held).into_iter();
    reached.find(|cid| !held.blocks.contains_key(cid))
}

fn export(root: Cid, held: &Held) -> Vec<u8> {
    let mut car = car_header(&root);
    for cid in reached(root, held) {
        let bytes = held.blocks[&cid].clone();
        car.extend(car_section(&Block { cid, bytes }));
    }
    car
}
