/*
 * Days of the wall clock, '2012-05-31': where an item stands in the order of the date taken, and
 * how days are put together under headings.
 */

const PACKED = 8; /* items of several days that stand under one heading */

const at = (date) => {
	const [year, month, day = 1] = date.split('-').map(Number);

	return new Date(Date.UTC(year, month - 1, day));
};
const format = (options) => new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', ...options });
const oneDay = format({ weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' });
const someDays = format({ day: 'numeric', month: 'long', year: 'numeric' });
const months = format({ month: 'long', year: 'numeric' });

/* The wall clock of an item as text that sorts; where nothing is known, when it was added. */
export const clockOf = (item) => (item.takenAtLocal ?? item.createdAt).replace('Z', '');
export const dayOfItem = (item) => clockOf(item).slice(0, 10);
/* The order of the list: the newest first, then the larger id. */
export const compare = (a, b) => (clockOf(a) === clockOf(b) ? (a.id < b.id ? 1 : -1) :
    clockOf(a) < clockOf(b) ? 1 : -1);
export const monthName = (date) => months.format(at(date));

function
labelOf(days, whole)
{
	const [newest, oldest] = [days[0].date, days.at(-1).date];

	if (whole)
		return months.formatRange(at(oldest.slice(0, 7)), at(newest.slice(0, 7)));
	return newest === oldest ? oneDay.format(at(newest)) :
	    someDays.formatRange(at(oldest), at(newest));
}

/* -> [[day...]...]: days of one month each, in their order. */
function
byMonth(days)
{
	const list = [];

	for (const day of days) {
		if (list.at(-1)?.[0].date.slice(0, 7) !== day.date.slice(0, 7))
			list.push([]);
		list.at(-1).push(day);
	}
	return list;
}

const sum = (days) => days.reduce((n, day) => n + day.n, 0);

/*
 * Days, the newest first, as sections [{key, label, days, n}]: a day with many items alone, those
 * with few together, and months with few together within their year.
 */
export function
pack(days)
{
	const packs = [];

	for (const month of byMonth(days)) {
		const whole = sum(month) <= PACKED;
		const year = month[0].date.slice(0, 4);

		for (const part of whole ? [month] : month.map((day) => [day])) {
			const last = packs.at(-1);
			const near = last && last.whole === whole &&
			    (whole ? last.days[0].date.slice(0, 4) === year :
				last.days[0].date.slice(0, 7) === part[0].date.slice(0, 7));

			if (near && last.n + sum(part) <= PACKED) {
				last.days.push(...part);
				last.n += sum(part);
			} else {
				packs.push({ whole, days: [...part], n: sum(part) });
			}
		}
	}
	return packs.map(({ whole, days: of, n }) => ({ key: of[0].date, label: labelOf(of, whole),
	    days: of, n }));
}

/* The response of GET /api/media/months with days as [{date, n}], the newest first. */
export function
daysOf(answer)
{
	return answer.items.flatMap(({ month, days }) => days.map((n, i) => ({
		date: `${month}-${String(i + 1).padStart(2, '0')}`, n,
	})).filter(({ n }) => n).reverse());
}
