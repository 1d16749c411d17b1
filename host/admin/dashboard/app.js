// Shows the overview of this instance, and again every five seconds.
const state = document.getElementById('state');
const list = document.getElementById('overview');

function show(name, value) {
  const term = document.createElement('dt');
  const text = document.createElement('dd');
  term.textContent = name;
  text.textContent = value;
  list.append(term, text);
}

async function refresh() {
  try {
    const response = await fetch('/api/v1/overview', { cache: 'no-store' });
    if (response.status === 401) {
      location.reload();
      return;
    }
    if (!response.ok) throw new Error(`the broker answered ${response.status}`);
    const overview = await response.json();
    list.replaceChildren();
    for (const name of ['instance', 'version', 'startedAt', 'nodes', 'connections', 'workers']) {
      show(name, overview[name]);
    }
    state.textContent = overview.state;
  } catch (error) {
    state.textContent = `No connection to the broker: ${error.message}`;
  }
}

refresh();
setInterval(refresh, 5000);
