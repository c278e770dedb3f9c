//! How a member of etcd leaves its cluster and joins it again: scripts for its node.
//!
//! They talk to other members with `etcdctl`, so that a node on its own can undo what was done to
//! it. A member that was removed comes back as a new one, without data: it learns what the others
//! know before it votes.

use crate::cluster::quote;
use crate::system::{Daemon, MemberScripts};

const LIST: &str = include_str!("list.sh");
const CHANGE: &str = include_str!("member.sh");

/// A member on its node.
pub struct Seat {
    pub name: String,
    /// Where other members reach it.
    pub peer_url: String,
    /// Where clients reach other members.
    pub others: Vec<String>,
    /// Starts it; which members there are is told by the environment.
    pub daemon: Daemon,
}

impl Seat {
    /// Scripts for a member that is there from the beginning, and comes back.
    pub fn scripts(&self) -> MemberScripts {
        let functions = self.functions();
        let leave = format!(". {functions} && leave");
        MemberScripts { leave, join: self.when_changed("join"), ..self.common() }
    }

    /// Scripts for a member that is not there before it joins, nor after it leaves.
    pub fn guest_scripts(&self) -> MemberScripts {
        let functions = self.functions();
        let join = format!(". {functions} && note_state out && join");
        MemberScripts { leave: self.when_changed("retire"), join, ..self.common() }
    }

    fn common(&self) -> MemberScripts {
        let scripts = self.daemon.scripts();
        // Not its log: that tells what it has gone through.
        let wipe = quote(["rm", "-rf", "--", &self.daemon.data]);
        let bodies = [
            ("find_member", "{", "}", &scripts.find),
            ("start_member", "(", ")", &scripts.start),
            ("kill_member", "(", ")", &scripts.kill),
            ("wipe_member", "(", ")", &wipe),
        ];
        let bodies: Vec<String> = bodies
            .iter()
            .map(|(name, open, close, body)| format!("{name}() {open}\n{body}\n{close}\n"))
            .collect();
        let prepare = format!(
            "cat >{functions} <<'ISOBAR' || exit 98\n\
             name={name}\nstate={state}\n{asked}{bodies}{CHANGE}ISOBAR",
            functions = self.functions(),
            name = quote([&self.name]),
            state = quote([self.state()]),
            asked = self.asked(),
            bodies = bodies.concat(),
        );
        MemberScripts {
            name: self.name.clone(),
            prepare,
            leave: String::new(),
            join: String::new(),
            show: format!("{}show\n{}", self.asked(), scripts.state),
        }
    }

    /// The whole of an undo: only a member that is not as any other has something to do.
    fn when_changed(&self, function: &str) -> String {
        let (functions, state) = (self.functions(), quote([self.state()]));
        format!(
            "if [ -f {state} ]; then\n  \
               (. {functions} && {function}) && rm -f {state} || exit 1\n\
             fi\n\
             rm -f {functions}"
        )
    }

    /// Removes what it may have left, whoever is in the cluster.
    pub fn remains(&self) -> String {
        let scripts = self.daemon.scripts();
        let (functions, state) = (self.functions(), quote([self.state()]));
        format!("(\n{}\n)\n{}\nrm -f {functions} {state}", scripts.kill, scripts.wipe)
    }

    /// Beside its data, since it has to outlive a power cut with them.
    fn state(&self) -> String {
        format!("{}.member", self.daemon.data)
    }

    /// Kept there, too, as long as they may be needed: they are long.
    fn functions(&self) -> String {
        quote([format!("{}.member.sh", self.daemon.data)])
    }

    fn asked(&self) -> String {
        let (url, others) = (quote([&self.peer_url]), quote([self.others.join(" ")]));
        format!("url={url}\nothers={others}\n{LIST}")
    }
}
