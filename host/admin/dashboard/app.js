// The dashboard: what asks whom, and when.
import { signOut, get } from './api.js';
import { wireActions } from './actions.js';
import { Charts } from './charts.js';
import { Connection } from './connection.js';
import { askToDisconnect, RefusedIds } from './disconnect.js';
import { $, setText } from './dom.js';
import { EventLog } from './event_log.js';
import { Negotiations } from './negotiations.js';
import { Nodes } from './nodes.js';
import { notify } from './notices.js';
import { Instances, Overview } from './overview.js';
import { Panel } from './panel.js';
import { followEvents } from './stream.js';

// Lists follow events not more often than this.
const kCalmMs = 1500;

let latest = { nodes: 0, state: 'running' };

const overview = new Overview();
const instances = new Instances();
const charts = new Charts($('charts-list'));
const chartsPanel = new Panel($('charts'), { absent: 'This broker keeps no history.' });
const negotiations = new Negotiations();
const log = new EventLog();
const nodes = new Nodes({
  disconnect: (id) => askToDisconnect(id, { returnTo: nodes.heading, done: refreshWho }),
});
const refused = new RefusedIds({ onChange: refreshWho });

function refreshWho() {
  nodes.refresh();
  refused.refresh();
}

async function refreshCharts() {
  try {
    const history = await get('history');
    chartsPanel.ready();
    charts.show(history);
  } catch (error) {
    chartsPanel.failed(error);
  }
}

/// Calls `refresh` now, or once when `kCalmMs` have passed since the last time.
function calmly(refresh) {
  let last = 0;
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      last = Date.now();
      refresh();
    }, Math.max(0, last + kCalmMs - Date.now()));
  };
}

function showState({ state }) {
  const isDraining = state === 'draining';
  $('draining').hidden = !isDraining;
  setText($('drain'), isDraining ? 'Cancel drain' : 'Drain');
}

const connection = new Connection({
  async ask() {
    latest = await overview.refresh();
    showState(latest);
    if (document.hidden) return;
    await Promise.all([refreshCharts(), instances.refresh(), nodes.refresh(), refused.refresh(), negotiations.refresh()]);
  },
  onRecovery() {
    notify('The broker answers again.');
    if (!wasOpen) events.retry();
  },
});

const soon = {
  nodes: calmly(() => nodes.refresh()),
  negotiations: calmly(() => negotiations.refresh()),
  all: calmly(() => connection.askNow()),
};
const kFollowers = { joined: soon.nodes, left: soon.nodes, negotiation: soon.negotiations, module: soon.all, instance: soon.all };

let wasOpen = false;
const events = followEvents({
  onEvent(type, data) {
    log.add(type, data);
    if (type === 'instance') notify(`An instance of the grid is ${data.state === 'down' ? 'down' : 'up'}.`, data.state === 'down' ? 'trouble' : 'done');
    if (!document.hidden) kFollowers[type]?.();
  },
  onState(isOpen, error) {
    const words = error?.isAbsent ? 'Every 5 s; this broker has no events' : error?.status === 503 ? 'Every 5 s; all event streams are taken' : '';
    connection.setStream(isOpen, words);
    if (wasOpen && !isOpen) {
      log.note('The stream of events was interrupted: what happened from here on is missing.');
      // Perhaps it is not only the stream.
      connection.askNow();
    }
    wasOpen = isOpen;
  },
});

wireActions({ state: () => latest, done: () => connection.askNow() });
$('cancel-drain').addEventListener('click', () => $('drain').click());
$('sign-out').addEventListener('click', signOut);
connection.askNow();
