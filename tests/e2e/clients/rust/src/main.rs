//! rust_socketio as applications use it, driven by clients.mjs: `client blocking` or `client async`.
//! A line of JSON in is an order, a line out is what the client reported. The end of the input is the end of the program.

use futures_util::future::{BoxFuture, FutureExt};
use rust_socketio::{asynchronous, ClientBuilder, Event, Payload, RawClient, TransportType};
use serde_json::{json, Value};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ACK_WITHIN: Duration = Duration::from_secs(60);

/// What nodes are told of, and under which name that is reported.
fn reports() -> [(Event, &'static str); 5] {
    [
        (Event::Connect, "connected"),
        (Event::Error, "failed"),
        (Event::Close, "disconnected"),
        (Event::from("AUTHENTICATED"), "authenticated"),
        (Event::from("SOCKET_MSG_EXCHANGE"), "received"),
    ]
}

fn report(node: &str, what: &str, text: String) {
    let line = json!({"node": node, "is": what, "text": text});
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The first string in it: acknowledgements come as an array within the array.
fn text_of(payload: Payload) -> String {
    fn first(value: &Value) -> String {
        match value {
            Value::Array(values) => values.first().map(first).unwrap_or_default(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
    match payload {
        Payload::Text(values) => first(&Value::Array(values)),
        other => format!("{other:?}"),
    }
}

struct Order(Value);

impl Order {
    fn get(&self, name: &str) -> String {
        self.0[name].as_str().unwrap_or_default().to_owned()
    }

    /// The query goes into the URL, which has to be encoded by whoever writes it.
    fn url(&self) -> String {
        let encode = |text: &str| -> String {
            text.bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                        (byte as char).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect()
        };
        let query = self.0["query"].as_object().expect("a query");
        let pairs: Vec<_> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value.as_str().unwrap_or_default())))
            .collect();
        format!("{}/?{}", self.get("url"), pairs.join("&"))
    }
}

type Blocking = Arc<Mutex<HashMap<String, rust_socketio::client::Client>>>;

fn connect_blocking(nodes: Blocking, order: Order) {
    let node = order.get("node");
    let mut builder = ClientBuilder::new(order.url()).transport_type(TransportType::Websocket);
    for (event, what) in reports() {
        let node = node.clone();
        builder = builder.on(event, move |payload: Payload, _: RawClient| {
            report(&node, what, text_of(payload))
        });
    }
    match builder.connect() {
        Ok(client) => drop(nodes.lock().unwrap().insert(node, client)),
        Err(error) => report(&node, "failed", error.to_string()),
    }
}

fn blocking() {
    let nodes = Blocking::default();
    for order in orders() {
        let node = order.get("node");
        match order.get("do").as_str() {
            // It does not return before the connection stands.
            "connect" => {
                let nodes = nodes.clone();
                std::thread::spawn(move || connect_blocking(nodes, order));
            }
            "send" => {
                let nodes = nodes.lock().unwrap();
                let own = node.clone();
                let sent = nodes[&node].emit_with_ack(
                    order.get("type"),
                    json!(order.get("text")),
                    ACK_WITHIN,
                    move |payload: Payload, _: RawClient| report(&own, "ack", text_of(payload)),
                );
                if let Err(error) = sent {
                    report(&node, "failed", error.to_string());
                }
            }
            other => panic!("unknown order {other}"),
        }
    }
}

async fn connect_async(order: &Order) -> Result<asynchronous::Client, rust_socketio::Error> {
    let mut builder =
        asynchronous::ClientBuilder::new(order.url()).transport_type(TransportType::Websocket);
    for (event, what) in reports() {
        let node = order.get("node");
        builder = builder.on(
            event,
            move |payload: Payload, _| -> BoxFuture<'static, ()> {
                report(&node, what, text_of(payload));
                async {}.boxed()
            },
        );
    }
    builder.connect().await
}

async fn obey(nodes: Arc<tokio::sync::Mutex<HashMap<String, asynchronous::Client>>>, order: Order) {
    let node = order.get("node");
    let outcome = match order.get("do").as_str() {
        "connect" => match connect_async(&order).await {
            Ok(client) => {
                nodes.lock().await.insert(node.clone(), client);
                Ok(())
            }
            Err(error) => Err(error),
        },
        "send" => {
            let client = nodes.lock().await[&node].clone();
            let own = node.clone();
            client
                .emit_with_ack(
                    order.get("type"),
                    json!(order.get("text")),
                    ACK_WITHIN,
                    move |payload: Payload, _| -> BoxFuture<'static, ()> {
                        report(&own, "ack", text_of(payload));
                        async {}.boxed()
                    },
                )
                .await
        }
        other => panic!("unknown order {other}"),
    };
    if let Err(error) = outcome {
        report(&node, "failed", error.to_string());
    }
}

fn orders() -> impl Iterator<Item = Order> {
    std::io::stdin()
        .lock()
        .lines()
        .map_while(Result::ok)
        .map(|line| Order(serde_json::from_str(&line).expect("an order is JSON")))
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("blocking") => blocking(),
        Some("async") => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let nodes = Default::default();
            for order in orders() {
                runtime.spawn(obey(Arc::clone(&nodes), order));
            }
        }
        _ => panic!("usage: client blocking|async"),
    }
    // Clients have threads and tasks that would go on.
    std::process::exit(0);
}
