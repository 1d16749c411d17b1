// This instance at a glance: its name and state, figures, modules, limits; and the instances of the grid.
import { get } from './api.js';
import { $, el, idElement, keepRows, plain, setAttribute, setId, setText, tableHead, tableRow } from './dom.js';
import { count, duration, milliseconds, setTime, short, timeElement } from './format.js';
import { kindName, receiptName } from './names.js';
import { notify } from './notices.js';
import { Panel } from './panel.js';

const kModuleColumns = [
  { name: 'kind', label: 'Module', isHeader: true, class: 'module' },
  { name: 'state', label: 'State' },
  { name: 'p50', label: 'p50', class: 'number' },
  { name: 'p99', label: 'p99', class: 'number' },
  { name: 'calls', label: 'Calls', class: 'number' },
  { name: 'faults', label: 'Faults', class: 'number' },
];

const kInstanceColumns = [
  { name: 'id', label: 'Instance', isHeader: true, class: 'who' },
  { name: 'state', label: 'State' },
  { name: 'nodes', label: 'Nodes', class: 'number' },
  { name: 'uptime', label: 'Up for', class: 'number' },
];

const kNotable = 0.05;

const kStates = { starting: 'starting', running: 'running', draining: 'draining', ok: 'ok', failing: 'failing' };
const stateName = (state) => kStates[state] ?? plain(state);

const badge = () => el('span', { class: 'badge' });

function setBadge(element, state) {
  element.dataset.state = state;
  setText(element, stateName(state));
}

/// Everything but what the receiver got.
const failures = (messages = {}) => Object.entries(messages).filter(([key]) => key !== 'ok');
const sum = (entries) => entries.reduce((total, [, value]) => total + value, 0);

/// A figure: its name, value, and what stands below it.
function figure(id, value, below) {
  setText($(id), value);
  setText($(`${id}-below`), below);
}

export class Overview {
  #modules = new Panel($('modules'), { absent: 'This broker says nothing of its modules.' });
  #limits = new Panel($('limits'), { absent: 'This broker says nothing of its limits.' });
  #failing = new Map();

  constructor() {
    tableHead($('modules-table'), kModuleColumns);
  }

  /// Asks, and shows the answer. Returns it. Throws an ApiError.
  async refresh() {
    const overview = await get('overview');
    this.#show(overview);
    return overview;
  }

  #show({ instance, version, startedAt, uptimeSeconds, state, workers, nodes, connections, rates, modules = [], limits = {} }) {
    document.title = `${plain(instance)} – crolang-broker`;
    setId($('instance'), instance);
    setText($('version'), version ? `version ${plain(version)}` : '');
    setBadge($('state'), state);
    const uptime = $('uptime');
    setTime(uptime, startedAt, () => `up ${duration(uptimeSeconds)}`);
    const now = rates?.last10s ?? {};
    const minute = rates?.last60s ?? {};
    const lost = failures(now.messages);
    figure('figure-nodes', count(nodes), `${count(connections)} connections, ${count(workers)} ${workers === 1 ? 'worker' : 'workers'}`);
    figure('figure-messages', short(now.messages?.ok), `${short(minute.messages?.ok)} over a minute`);
    const most = lost.filter(([, value]) => value > 0).sort(([, a], [, b]) => b - a)[0];
    figure('figure-failures', short(sum(lost)), most ? `most: ${receiptName(most[0])}` : `${short(sum(failures(minute.messages)))} over a minute`);
    figure('figure-joined', short(now.joined), `${short(now.left)} left per second`);
    figure('figure-refused', short(now.refused), `${short(minute.refused)} over a minute`);
    // Some are ordinary: nodes leave while others write to them.
    $('figure-failures').classList.toggle('notable', sum(lost) > kNotable * (now.messages?.ok ?? 0));
    $('figure-refused').classList.toggle('notable', now.refused > now.joined);
    this.#showModules(modules);
    this.#showLimits(limits);
  }

  #showModules(modules) {
    this.#modules.ready(modules.length === 0 ? 'No modules.' : '');
    keepRows($('modules-table').tBodies[0], modules, keyOfModule, makeModule, fillModule);
    for (const module of modules) {
      const { kind, plugin, state } = module;
      const before = this.#failing.get(keyOfModule(module));
      this.#failing.set(keyOfModule(module), state);
      if (before === undefined || before === state) continue;
      const name = `${kindName(kind)}${plugin ? ` (${plain(plugin)})` : ''}`;
      if (state === 'failing') notify(`The module ${name} is failing.`, 'trouble');
      else notify(`The module ${name} works again.`);
    }
    const faulty = [...new Map(modules.filter(({ lastFault }) => lastFault).map((module) => [module.kind, module])).values()];
    $('faults').hidden = faulty.length === 0;
    $('faults').replaceChildren(...faulty.map(({ kind, lastFault }) => el('div', {}, el('dt', { text: `Last fault of ${kindName(kind)}` }), el('dd', { text: plain(lastFault) }))));
  }

  #showLimits(limits) {
    const entries = Object.entries(limits);
    this.#limits.ready(entries.length === 0 ? 'No limits are set.' : '');
    const made = entries.map(([name, value]) => el('div', {}, el('dt', {}, el('code', { text: plain(name) })), el('dd', { text: value === 0 ? 'none' : typeof value === 'number' ? count(value) : plain(value) })));
    $('limits-list').replaceChildren(...made);
  }
}

/// Several plugins may serve one kind.
const keyOfModule = ({ kind, plugin }) => `${kind} ${plugin ?? ''}`;

function makeModule() {
  return tableRow(kModuleColumns, { kind: [el('span', { class: 'kind' }), el('span', { class: 'muted' })], state: [badge()] });
}

function fillModule({ parts }, { kind, plugin, state, calls, faults, latencyMs }) {
  const [name, server] = parts.kind.children;
  setText(name, kindName(kind));
  setText(server, plugin ? plain(plugin) : 'built in');
  setBadge(parts.state.firstChild, state);
  setText(parts.calls, short(calls));
  setAttribute(parts.calls, 'title', count(calls));
  setText(parts.faults, count(faults));
  parts.faults.classList.toggle('waiting', faults > 0);
  setText(parts.p50, milliseconds(latencyMs?.p50));
  setText(parts.p99, milliseconds(latencyMs?.p99));
}

export class Instances {
  #panel = new Panel($('instances'), { absent: 'This broker does not list the instances of its grid.' });

  constructor() {
    tableHead($('instances-table'), kInstanceColumns);
  }

  async refresh() {
    try {
      const { instances } = await get('instances');
      this.#panel.ready(instances.length === 0 ? 'No instance is known.' : '');
      keepRows($('instances-table').tBodies[0], instances, ({ id }) => id, makeInstance, fillInstance);
    } catch (error) {
      this.#panel.failed(error);
    }
  }
}

function makeInstance({ id, self, startedAt }) {
  const about = el('span', { class: 'muted about' }, el('span', { class: 'version' }), self ? ', this one' : null);
  return tableRow(kInstanceColumns, { id: [idElement(id), about], state: [badge()], uptime: [timeElement(startedAt)] });
}

function fillInstance({ parts }, { nodes, state, startedAt, uptimeSeconds, version }) {
  setBadge(parts.state.firstChild, state);
  setText(parts.nodes, count(nodes));
  setTime(parts.uptime.firstChild, startedAt, () => duration(uptimeSeconds));
  setText(parts.id.querySelector('.version'), `version ${plain(version ?? '–')}`);
}
