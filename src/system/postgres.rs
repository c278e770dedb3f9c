//! PostgreSQL on one node: the programs of Debian's packages, on data of our own, for a system that
//! keeps what it knows there.
//!
//! A server is a family of processes: ending or pausing the first alone would leave its children at
//! work, each with its client. Signals here go to all of them.

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Daemon, ProcessScripts, SystemError};
use crate::cluster::{Command, Node, Remote};

pub const PORT: u16 = 5432;
/// The name of the role and of the database.
pub const NAME: &str = "strapi";

/// Everything it writes is in the three places below.
const DATA: &str = "/var/lib/isobar-postgres";
const LOG: &str = "/var/log/isobar-postgres.log";
const PID_FILE: &str = "/run/isobar-postgres.pid";

/// Sets `$bin` to the directory of the newest version's programs, or to nothing.
const FIND: &str = "bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)\n\
                    [ -x \"$bin/postgres\" ] || bin=\n";

/// How long to ask for connections that are in a transaction, in tenths of a second.
const DISCONNECT_TENTHS: u32 = 30;

/// The answer of a server that does not serve yet, or not any more: SQLSTATE class 57.
const CANNOT_CONNECT_NOW: &str = "57P";

/// A server for `clients`, which may hold so many connections.
#[derive(Clone, Debug)]
pub struct Postgres {
    pub clients: Vec<IpAddr>,
    pub connections: u32,
}

impl Postgres {
    pub fn scripts(&self) -> ProcessScripts {
        let daemon = Daemon {
            argv: ["sh", "-c", &self.start()].map(str::to_owned).to_vec(),
            pid_file: PID_FILE.to_owned(),
            log: LOG.to_owned(),
            data: DATA.to_owned(),
            mark: format!("-D {DATA}"),
        };
        let scripts = daemon.scripts();
        // Stopped first, the first process has no more children than are listed then.
        let family = format!(
            "{find}all=\n\
             if [ -n \"$pid\" ]; then\n  \
               kill -STOP \"$pid\"\n  \
               all=\"$pid $(cat /proc/$pid/task/$pid/children 2>/dev/null)\"\n\
             fi\n",
            find = scripts.find
        );
        let signal = |name: &str| {
            format!("{family}for one in $all; do kill -{name} \"$one\" 2>/dev/null; done\n")
        };
        let gone = format!(
            "i=0; while [ $i -lt 100 ]; do\n{find}[ -n \"$pid\" ] || exit 0\n\
             sleep 0.1; i=$((i+1))\ndone\n",
            find = scripts.find
        );
        let (kill, resume) = (signal("KILL"), signal("CONT"));
        ProcessScripts {
            // SIGINT: a fast shutdown, which ends the connections; SIGTERM would wait for them.
            stop: format!(
                "{resume}{find}[ -z \"$pid\" ] || kill -INT \"$pid\"\n({gone}exit 1) || \
                 {{\n{kill}{gone}exit 1\n}}",
                find = scripts.find
            ),
            kill: format!("{kill}{gone}exit 1"),
            pause: format!("{}:", signal("STOP")),
            resume: format!("{resume}:"),
            disconnect: Some(disconnect()),
            ..scripts
        }
    }

    /// Makes the data if there are none, then becomes the server.
    fn start(&self) -> String {
        let allow = |client: &IpAddr| {
            let bits = if client.is_ipv4() { 32 } else { 128 };
            format!("host all all {client}/{bits} trust")
        };
        let allowed: Vec<String> = self.clients.iter().map(allow).collect();
        format!(
            "{FIND}[ -n \"$bin\" ] || {{ echo 'there is no PostgreSQL here'; exit 1; }}\n\
             cd /\n\
             as='setpriv --reuid=postgres --regid=postgres --clear-groups --'\n\
             if [ ! -f {DATA}/ready ]; then\n  \
               rm -rf {DATA} && install -d -o postgres -g postgres -m 700 {DATA} || exit 1\n  \
               $as $bin/initdb -D {DATA} -U {NAME} --auth=trust --encoding=UTF8 --locale=C \
                 --no-sync >/dev/null || exit 1\n  \
               printf '%s\\n' '{allowed}' >>{DATA}/pg_hba.conf\n  \
               echo 'CREATE DATABASE {NAME}' |\n    \
                 $as $bin/postgres --single -D {DATA} postgres >/dev/null || exit 1\n  \
               touch {DATA}/ready\n\
             fi\n\
             exec $as $bin/postgres -D {DATA} -c listen_addresses='*' -c port={PORT} \
               -c unix_socket_directories={DATA} -c max_connections={connections}",
            allowed = allowed.join("\n"),
            connections = self.connections,
        )
    }
}

/// Ends connections that are in the middle of a transaction, as `pg_terminate_backend` does; says
/// how many it were.
fn disconnect() -> String {
    let busy = format!("^postgres: {NAME} {NAME} .*idle in transaction");
    format!(
        "ended=0; i=0\n\
         while [ $ended = 0 ] && [ $i -lt {DISCONNECT_TENTHS} ]; do\n  \
           n=0\n  \
           while [ $ended = 0 ] && [ $n -lt 20 ]; do\n    \
             for file in $(grep -la '{busy}' /proc/[0-9]*/cmdline 2>/dev/null); do\n      \
               one=${{file#/proc/}}; kill -TERM \"${{one%/cmdline}}\" && ended=$((ended+1))\n    \
             done\n    \
             n=$((n+1))\n  \
           done\n  \
           sleep 0.1; i=$((i+1))\n\
         done\n\
         echo \"ended $ended connections\""
    )
}

/// A script that ends with status 0 once no client has anything under way.
pub fn quiet() -> String {
    let busy = format!("^postgres: {NAME} {NAME} .*[0-9]) ");
    let idle = format!("^postgres: {NAME} {NAME} .*[0-9]) idle$");
    format!(
        "for file in $(grep -la '{busy}' /proc/[0-9]*/cmdline 2>/dev/null); do\n  \
           tr -d '\\0' <\"$file\" 2>/dev/null | sed 's/ *$//' | grep -q '{idle}' || exit 1\n\
         done"
    )
}

/// The version of a node's PostgreSQL.
///
/// # Errors
/// When it has none.
pub fn probe(node: &Node, remote: &dyn Remote) -> Result<String, SystemError> {
    let script = format!(
        "{FIND}[ -z \"$bin\" ] || \"$bin/postgres\" --version | sed 's/^[^0-9]*//; s/ .*//'\n\
         id postgres >/dev/null 2>&1 || echo 'no user'"
    );
    let told = remote.check(&Command::shell(script))?.text();
    let missing = |what: &str, remedy: &str| SystemError::Missing {
        node: node.name.clone(),
        what: what.to_owned(),
        remedy: remedy.to_owned(),
    };
    match told.as_str() {
        "" | "no user" => Err(missing(
            "there is no PostgreSQL in /usr/lib/postgresql",
            "install `postgresql` (for a lab: `sudo isobar lab install --system strapi`)",
        )),
        told if told.ends_with("no user") => Err(missing(
            "there is no user `postgres`, and PostgreSQL does not run as root",
            "install Debian's `postgresql`, which makes one",
        )),
        version => Ok(version.to_owned()),
    }
}

/// Whether a server takes connections: it answers a start-up message (PostgreSQL's protocol 3.0,
/// "Start-up"), be it with a refusal.
///
/// # Errors
/// Why not.
pub async fn ready(node: &Node) -> Result<(), String> {
    let asked = tokio::time::timeout(Duration::from_secs(3), greeting(node)).await;
    let answer = asked.map_err(|_| "no answer within 3 s".to_owned())?;
    let (kind, text) = answer.map_err(|error| error.to_string())?;
    match kind {
        b'R' => Ok(()),
        b'E' if !text.contains(CANNOT_CONNECT_NOW) => Ok(()),
        b'E' => Err("PostgreSQL is starting up, or shutting down".to_owned()),
        _ => Err("something answers that is no PostgreSQL".to_owned()),
    }
}

async fn greeting(node: &Node) -> std::io::Result<(u8, String)> {
    let mut stream = TcpStream::connect((node.ip, PORT)).await?;
    let mut words = format!("user\0{NAME}\0database\0{NAME}\0\0").into_bytes();
    let mut message = (words.len() as u32 + 8).to_be_bytes().to_vec();
    message.extend(196_608_u32.to_be_bytes());
    message.append(&mut words);
    stream.write_all(&message).await?;
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    Ok((answer[0], text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_the_clients_are_let_in() {
        let clients = ["10.77.0.1", "fd00::2"].map(|ip| ip.parse().unwrap()).to_vec();
        let postgres = Postgres { clients, connections: 40 };
        let start = postgres.start();
        let hosts: Vec<&str> = start
            .lines()
            .filter_map(|line| line.split_once("host all all ")?.1.split_whitespace().next())
            .collect();
        assert_eq!(hosts, ["10.77.0.1/32", "fd00::2/128"]);
        assert!(start.ends_with("-c max_connections=40"), "{start}");
    }

    #[tokio::test]
    async fn a_server_that_starts_up_is_not_ready_and_one_that_refuses_is() {
        use tokio::net::TcpListener;
        // `ready` asks at PostgreSQL's port: at an address of loopback that is nobody else's.
        let ip: IpAddr = "127.77.54.32".parse().unwrap();
        let node = Node { name: "n1".to_owned(), index: 0, ip, role: None };
        assert!(ready(&node).await.is_err());
        let listener = TcpListener::bind((ip, PORT)).await.unwrap();
        tokio::spawn(async move {
            for answer in ["ESFATAL\0C57P03\0", "ESFATAL\0C28000\0", "R\0\0\0\u{8}", "HTTP/1.1"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 256]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let mut told = Vec::new();
        for _ in 0..4 {
            told.push(ready(&node).await.is_ok());
        }
        assert_eq!(told, [false, true, true, false]);
    }
}
