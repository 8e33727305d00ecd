// Sorts and filters tables, reads out charts, changes heat maps, and switches between light and dark. The page is
// complete without it. Texts are only ever set as text, never as HTML.
'use strict';

(() => {
  const root = document.documentElement;
  root.classList.add('js'); // shows the controls, before anything is drawn

  // Light and dark. The choice is kept if the browser keeps anything for files.
  const store = {
    get: () => { try { return localStorage.getItem('pare-theme'); } catch { return null; } },
    set: (theme) => { try { localStorage.setItem('pare-theme', theme); } catch { /* not kept */ } },
  };
  const systemDark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : systemDark.matches);
  if (['light', 'dark'].includes(store.get())) root.dataset.theme = store.get();

  function setUpTheme() {
    const button = document.getElementById('theme');
    const show = () => button.setAttribute('aria-pressed', String(isDark()));
    button.addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark';
      store.set(root.dataset.theme);
      show();
    });
    systemDark.addEventListener('change', show);
    show();
  }

  // Tables
  const words = new Intl.Collator('en', { numeric: true });
  const units = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, ns: 1e-9, 'µs': 1e-6, us: 1e-6, ms: 1e-3, s: 1, min: 60 };

  // What a cell is sorted by: a number, a text, or null for an empty cell.
  function sortKey(cell, numeric) {
    const text = cell.textContent.trim();
    if (text === '') return null;
    if (!numeric) return text;
    const exact = cell.dataset.s;
    if (exact) return exact.endsWith('inf') ? (exact[0] === '-' ? -Infinity : Infinity) : Number(exact);
    const found = /^([-+]?[\d,]*\.?\d+(?:e[-+]?\d+)?)\s*(\S*)/i.exec(text);
    return found ? Number(found[1].replaceAll(',', '')) * (units[found[2]] ?? 1) : null;
  }

  function sortBy(table, header, direction) {
    const body = table.tBodies[0], column = header.cellIndex, numeric = header.classList.contains('n');
    const rows = [...body.rows].map((row) => ({ row, key: sortKey(row.cells[column], numeric) }));
    const sign = direction === 'descending' ? -1 : 1;
    rows.sort((a, b) => {
      if (direction === 'none') return a.row.original - b.row.original;
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null); // empty cells come last
      return sign * (numeric ? a.key - b.key || 0 : words.compare(a.key, b.key)) || a.row.original - b.row.original;
    });
    body.append(...rows.map(({ row }) => row));
    for (const other of header.parentElement.cells) other.setAttribute('aria-sort', other === header ? direction : 'none');
  }

  function setUpSorting(table) {
    [...table.tBodies[0].rows].forEach((row, index) => { row.original = index; });
    for (const header of table.tHead.rows[0].cells) {
      const button = header.querySelector('button');
      if (!button) continue;
      // Numbers are first sorted from the largest on, names from the first on; then the other way, then as they were.
      const order = header.classList.contains('n') ? ['descending', 'ascending', 'none'] : ['ascending', 'descending', 'none'];
      button.addEventListener('click', () => {
        const now = order.indexOf(header.getAttribute('aria-sort'));
        sortBy(table, header, order[(now + 1) % order.length]);
      });
    }
  }

  function setUpFilter(tools, table) {
    const input = tools.querySelector('input'), output = tools.querySelector('output');
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, text: row.textContent.toLowerCase() }));
    const all = output.textContent;
    input.addEventListener('input', () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const { row, text } of rows) {
        row.hidden = !wanted.every((word) => text.includes(word));
        if (!row.hidden) ++shown;
      }
      output.textContent = wanted.length ? `${shown.toLocaleString('en')} of ${all}` : all;
    });
  }

  // The box with values, beside what is pointed at or has the focus.
  let tip = null;
  function showTip(title, lines, place) {
    tip.replaceChildren();
    if (title) tip.appendChild(document.createElement('strong')).textContent = title;
    for (const line of lines) tip.appendChild(document.createElement('span')).textContent = line;
    const box = tip.getBoundingClientRect(), gap = 14;
    let left = place.x + gap, top = place.y - box.height - gap;
    if (left + box.width > root.clientWidth - 4) left = place.x - box.width - gap;
    if (top < 4) top = place.y + gap;
    tip.style.left = `${Math.max(4, Math.min(left, root.clientWidth - box.width - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(top, innerHeight - box.height - 4))}px`;
    tip.classList.add('on');
  }
  function hideTip() {
    tip.classList.remove('on');
    tip.replaceChildren();
  }

  // Charts: a series has its places in percent of the area (data-p) and its values (data-v).
  function readingsOf(plot) {
    const readings = [];
    [...plot.querySelectorAll('[data-p]:not([data-p=""])')].forEach((series, number) => {
      const values = series.dataset.v.split(';').map((pair) => pair.split('|'));
      series.dataset.p.split(' ').forEach((place, index) => {
        const [x, y] = place.split(',').map(Number);
        readings.push({ series: number, name: series.dataset.n, x, y, texts: values[index] });
      });
    });
    return readings;
  }

  function setUpPlot(plot) {
    const area = plot.querySelector('.area'), free = plot.querySelector('.points') !== null;
    const cursor = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    cursor.setAttribute('class', 'cursor');
    cursor.setAttribute('r', '6');
    let readings = null, current = -1;

    const hide = () => { cursor.remove(); hideTip(); current = -1; };
    const show = (index) => {
      const reading = readings[index], box = area.getBoundingClientRect();
      current = index;
      cursor.setAttribute('cx', `${reading.x}%`);
      cursor.setAttribute('cy', `${reading.y}%`);
      area.append(cursor);
      const place = { x: box.left + (reading.x / 100) * box.width, y: box.top + (reading.y / 100) * box.height };
      const [x, y] = reading.texts;
      showTip(reading.name, [`${plot.dataset.x}: ${x}`, `${plot.dataset.y}: ${y}`], place);
    };
    // Where points are a function of x, the nearest x counts first.
    const nearest = (x, y, among) => {
      let best = -1, least = Infinity;
      readings.forEach((reading, index) => {
        if (!among(reading)) return;
        const dx = Math.abs(reading.x - x), dy = Math.abs(reading.y - y);
        const distance = free ? Math.hypot(dx, dy) : 1000 * dx + dy;
        if (distance < least) [best, least] = [index, distance];
      });
      return best;
    };
    const point = (event) => {
      readings ??= readingsOf(plot);
      const box = area.getBoundingClientRect();
      const x = (100 * (event.clientX - box.left)) / box.width, y = (100 * (event.clientY - box.top)) / box.height;
      if (readings.length === 0 || x < -3 || x > 103 || y < -10 || y > 110) return hide();
      show(nearest(x, y, () => true));
    };
    const move = (key) => {
      const { series, x, y } = readings[current];
      const own = readings.flatMap((reading, index) => (reading.series === series ? [index] : []));
      const at = own.indexOf(current), last = readings[readings.length - 1].series;
      if (key === 'ArrowRight') return own[Math.min(at + 1, own.length - 1)];
      if (key === 'ArrowLeft') return own[Math.max(at - 1, 0)];
      if (key === 'Home') return own[0];
      if (key === 'End') return own[own.length - 1];
      const other = series + (key === 'ArrowUp' ? -1 : 1);
      return other < 0 || other > last ? current : nearest(x, y, (reading) => reading.series === other);
    };

    plot.addEventListener('pointermove', point);
    plot.addEventListener('pointerdown', point);
    plot.addEventListener('pointerleave', hide);
    plot.addEventListener('blur', hide);
    plot.addEventListener('focus', () => {
      readings ??= readingsOf(plot);
      if (readings.length && plot.matches(':focus-visible')) show(0);
    });
    plot.addEventListener('keydown', (event) => {
      readings ??= readingsOf(plot);
      if (event.key === 'Escape') return hide();
      if (!['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown', 'Home', 'End'].includes(event.key) || !readings.length) return;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      show(current < 0 ? 0 : move(event.key));
    });
  }

  // Heat maps: a cell has the percentages of all figures (data-v) and its number of parameters (data-c).
  const heatSteps = 20;
  function setUpHeat(figure) {
    const choices = [...figure.querySelectorAll('.choice label')], highest = figure.dataset.max.split('|').map(Number);
    const titles = choices.map((choice) => choice.textContent);
    const cells = [...figure.querySelectorAll('td[data-v]')];
    const show = (number) => {
      for (const cell of cells) {
        const text = cell.dataset.v.split('|')[number];
        const part = highest[number] > 0 ? Number(text) / highest[number] : 0;
        const step = Math.round(heatSteps * (number === 0 ? Math.sqrt(part) : part)); // see heat_html.cpp
        cell.className = text === '' ? 'none' : `h${step}`;
        cell.textContent = text === '' ? '' : Number(text).toFixed(1);
      }
      figure.querySelector('.middle').textContent = `${(highest[number] / (number === 0 ? 4 : 2)).toFixed(2)} %`;
      figure.querySelector('.top').textContent = `${highest[number].toFixed(2)} %`;
    };
    choices.forEach((choice, number) => choice.addEventListener('change', () => show(number)));

    const tell = (cell) => {
      const table = cell.closest('table'), kind = table.tHead.rows[0].cells[cell.cellIndex].textContent;
      const lines = cell.dataset.v ? cell.dataset.v.split('|').flatMap((value, number) =>
        (value === '' ? [] : [`${titles[number]}: ${Number(value).toFixed(2)} %`])) : ['no such tensor'];
      if (cell.dataset.c) lines.unshift(`${cell.dataset.c} parameters`);
      const box = cell.getBoundingClientRect();
      showTip(`layer ${cell.parentElement.cells[0].textContent}, ${kind}`, lines, { x: box.right, y: box.top });
    };
    for (const table of figure.querySelectorAll('table')) setUpGrid(table, tell);
  }

  // One cell of a grid can be reached by Tab; the arrow keys move from it.
  function setUpGrid(table, tell) {
    const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll('td')]);
    let active = table.querySelector('td[tabindex="0"]');
    const cellOf = (target) => target.closest('td');
    const go = (cell) => {
      active.tabIndex = -1;
      active = cell;
      cell.tabIndex = 0;
      cell.focus();
    };
    table.addEventListener('keydown', (event) => {
      const cell = cellOf(event.target);
      if (event.key === 'Escape') return hideTip();
      if (!cell || event.altKey || event.metaKey) return;
      const row = rows.findIndex((cells) => cells.includes(cell)), column = rows[row].indexOf(cell);
      const bottom = rows.length - 1, right = rows[row].length - 1, far = event.ctrlKey;
      const target = {
        ArrowRight: [row, far ? right : column + 1], ArrowLeft: [row, far ? 0 : column - 1],
        ArrowDown: [far ? bottom : row + 1, column], ArrowUp: [far ? 0 : row - 1, column],
        Home: [far ? 0 : row, 0], End: [far ? bottom : row, right],
        PageDown: [Math.min(row + 10, bottom), column], PageUp: [Math.max(row - 10, 0), column],
      }[event.key];
      if (!target) return;
      event.preventDefault();
      const next = rows[target[0]]?.[target[1]];
      if (next) go(next);
    });
    table.addEventListener('focusin', (event) => { const cell = cellOf(event.target); if (cell) tell(cell); });
    table.addEventListener('focusout', hideTip);
    table.addEventListener('pointerover', (event) => { const cell = cellOf(event.target); if (cell) tell(cell); });
    table.addEventListener('pointerleave', hideTip);
    table.addEventListener('click', (event) => { const cell = cellOf(event.target); if (cell) go(cell); });
  }

  // The table of contents shows which section is read.
  function setUpContents() {
    const links = new Map([...document.querySelectorAll('nav a')].map((link) => [link.hash.slice(1), link]));
    const headings = [...document.querySelectorAll('h2[id], h3[id]')].filter((heading) => links.has(heading.id));
    // What is read is below the last heading in the upper third of the window, or above it.
    const show = () => {
      const current = headings.findLast((heading) => heading.getBoundingClientRect().top < innerHeight / 3) ?? headings[0];
      for (const [id, link] of links) {
        if (id === current?.id) link.setAttribute('aria-current', 'location');
        else link.removeAttribute('aria-current');
      }
    };
    let due = false; // at most once a frame
    addEventListener('scroll', () => {
      if (!due) requestAnimationFrame(() => { due = false; show(); });
      due = true;
    }, { passive: true });
    show();
  }

  // Paper shows everything, including what is folded.
  function setUpPrinting() {
    let folded = [];
    addEventListener('beforeprint', () => {
      folded = [...document.querySelectorAll('details:not([open])')];
      folded.forEach((details) => { details.open = true; });
    });
    addEventListener('afterprint', () => folded.forEach((details) => { details.open = false; }));
  }

  document.addEventListener('DOMContentLoaded', () => {
    tip = document.getElementById('tip');
    setUpTheme();
    for (const box of document.querySelectorAll('.table')) {
      const table = box.querySelector('table'), tools = box.querySelector('.tools');
      if (table.tHead.querySelector('button')) setUpSorting(table);
      if (tools) setUpFilter(tools, table);
    }
    document.querySelectorAll('.plot').forEach(setUpPlot);
    document.querySelectorAll('.heat').forEach(setUpHeat);
    setUpContents();
    setUpPrinting();
  });
})();
