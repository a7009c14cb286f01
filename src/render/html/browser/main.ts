// What a page does once it is open: tables sort, charts are drawn of the data that is in it.

import type { PageData } from '../page-data.ts';
import { startTables } from './data-tables.ts';
import { drawIcicle } from './icicle.ts';
import { drawSlabMaps } from './slab-map.ts';
import { startTheme } from './theme.ts';
import { drawTimeChart } from './time-chart.ts';

const data = JSON.parse(document.getElementById('data')?.textContent ?? '{}') as PageData;

startTheme();
startTables();
const charts = (id: string): HTMLElement | null => document.getElementById(id);
const time = charts('time-chart');
if (time !== null && data.time !== null) drawTimeChart(time, data.time);
const icicle = charts('icicle');
if (icicle !== null && data.chains !== null) drawIcicle(icicle, data.chains);
const slabs = charts('slab-map');
if (slabs !== null) drawSlabMaps(slabs, data.slabs);
