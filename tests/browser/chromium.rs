//! A Chromium without a window, driven through the DevTools protocol over a pair of pipes: no
//! port is opened and nobody else can reach it. It ends when its pipe closes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// The longest time for one answer on a busy machine.
const ANSWER: Duration = Duration::from_secs(90);

/// One page, and all that it did.
pub struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    /// Names the page in the protocol; empty before there is one.
    session: String,
    last: u64,
    events: Vec<Value>,
    /// Where requests may go: `file:///`, `http://127.0.0.1:7070/`.
    home: String,
    _profile: TempDir,
}

/// The path of a Chromium, if this machine has one.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = PROGRAMS.iter().flat_map(|name| folders.iter().map(move |f| f.join(name)));
    all.into_iter().find(|program| program.is_file())
}

impl Chromium {
    /// Opens the page at `url` in a window of that size and waits until its script is done.
    pub fn open(program: &Path, url: &str, (width, height): (u32, u32)) -> Self {
        let mut browser = Self::launch(program);
        let target = json!({"url": "about:blank"});
        let target = browser.call("Target.createTarget", target)["targetId"].clone();
        let attach = json!({"targetId": target, "flatten": true});
        let session = browser.call("Target.attachToTarget", attach)["sessionId"].clone();
        browser.session = session.as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.call("Emulation.setDeviceMetricsOverride", size);
        // A file may load nothing; a server's page may ask that server.
        let end = url.match_indices('/').nth(2).map_or(url.len(), |(place, _)| place + 1);
        browser.home = url[..end].to_owned();
        browser.go(url);
        browser
    }

    /// Opens another page in the same window.
    pub fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url}));
        self.until("document.documentElement.dataset.ready === 'true'");
    }

    fn launch(program: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // The protocol is spoken over the descriptors 3 and 4.
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg("exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null")
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("--remote-debugging-pipe")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let to = child.stdin.take().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let (send, from) = channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            while matches!(reader.read_until(0, &mut bytes), Ok(1..)) {
                bytes.pop();
                let message = serde_json::from_slice(&bytes).unwrap();
                if send.send(message).is_err() {
                    return;
                }
                bytes.clear();
            }
        });
        let (session, events, home) = (String::new(), Vec::new(), String::new());
        Self { child, to, from, session, last: 0, events, home, _profile: profile }
    }

    /// Asks for one thing and returns the answer; what happens meanwhile is kept.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let message = self.ask(method, params);
        assert!(message["error"].is_null(), "{method}: {}", message["error"]);
        message["result"].clone()
    }

    /// The answer as it came, which may be an error.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut request = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        let mut bytes = request.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        let limit = Instant::now() + ANSWER;
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            let message = self.from.recv_timeout(left);
            let message = message.unwrap_or_else(|_| panic!("{method}: no answer in {ANSWER:?}"));
            if message["id"] == json!(id) {
                return message;
            }
            self.events.push(message);
        }
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    #[track_caller]
    pub fn text(&mut self, selector: &str) -> String {
        let value = self.eval(&format!("document.querySelector({selector:?})?.textContent"));
        value.as_str().unwrap_or_else(|| panic!("{selector} is not on the page")).to_owned()
    }

    #[track_caller]
    pub fn count(&mut self, selector: &str) -> u64 {
        self.eval(&format!("document.querySelectorAll({selector:?}).length")).as_u64().unwrap()
    }

    /// Waits for a condition.
    #[track_caller]
    pub fn until(&mut self, condition: &str) {
        let limit = Instant::now() + ANSWER;
        // Each look waits for the page to draw a frame.
        let look = format!("new Promise((done) => setTimeout(() => done({condition}), 20))");
        let params = json!({"expression": look, "returnByValue": true, "awaitPromise": true});
        // While one page goes and another comes, there is none to ask.
        while self.ask("Runtime.evaluate", params.clone())["result"]["result"]["value"] != true {
            assert!(Instant::now() < limit, "never: {condition}\n{:?}", self.complaints());
        }
    }

    /// Presses and releases the mouse in the middle of an element.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let (x, y) = self.middle(selector);
        self.drag((x, y), (x, y));
    }

    /// The middle of an element, scrolled into view.
    #[track_caller]
    pub fn middle(&mut self, selector: &str) -> (f64, f64) {
        let place = self.eval(&format!(
            "(() => {{ const one = document.querySelector({selector:?}); if (!one) return null; \
             one.scrollIntoView({{ block: 'center' }}); const r = one.getBoundingClientRect(); \
             return [r.left + r.width / 2, r.top + r.height / 2]; }})()"
        ));
        assert!(place.is_array(), "{selector} is not on the page");
        (place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
    }

    pub fn drag(&mut self, from: (f64, f64), to: (f64, f64)) {
        let steps = [
            ("mouseMoved", from),
            ("mousePressed", from),
            ("mouseMoved", to),
            ("mouseReleased", to),
        ];
        for (kind, (x, y)) in steps {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let params = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", params);
        }
    }

    pub fn hover(&mut self, selector: &str) {
        let (x, y) = self.middle(selector);
        self.call("Input.dispatchMouseEvent", json!({"type": "mouseMoved", "x": x, "y": y}));
    }

    pub fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", json!({"type": kind, "key": key}));
        }
    }

    /// Keeps a picture of the page: for people, under `target/tmp/browser`.
    pub fn screenshot(&mut self, name: &str) {
        let answer = self.call(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": true}),
        );
        let bytes = BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Errors and warnings of the console, and requests for anything but pages of the same place.
    pub fn complaints(&mut self) -> Vec<String> {
        // What happened until now has been told when this is answered.
        self.call("Runtime.evaluate", json!({"expression": "0"}));
        let complains = |event: &&Value| match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => true,
            "Runtime.consoleAPICalled" => true,
            "Log.entryAdded" => event["params"]["entry"]["level"] != "verbose",
            "Network.requestWillBeSent" => {
                let kind = event["params"]["type"].as_str().unwrap_or_default();
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                // The browser's own pictures, as that of a field for dates, are in itself.
                let own = url.starts_with("data:");
                let page = matches!(kind, "Document" | "EventSource");
                !(own || (page && url.starts_with(&self.home)))
            }
            _ => false,
        };
        self.events.iter().filter(complains).map(Value::to_string).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
