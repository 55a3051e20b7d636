# Fixed answers for the page: a script that runs in a page before its own scripts do, and answers
# the requests that it knows. All others go to the server. The page itself knows nothing of it.
package MediaNest::FixedAnswers;

use v5.36;
use JSON::PP;

my $json = JSON::PP->new->canonical; # of characters, as the driver takes them

# script('GET /api/some/*' => ANSWER, ...). A star stands for one segment; the first that fits is
# taken. An answer is a body, or [status, body], or a list of those, [[status, body], ...], of which
# each is given once and the last one from then on. What was asked is in window.asked, as
# {method, path, query, body}.
sub script (@pairs) {
	my @rules;

	while (my ($ask, $answer) = splice @pairs, 0, 2) {
		my ($method, $path) = split / /, $ask;
		my $pattern = join '[^/]+', map { quotemeta } split /\*/, $path, -1;
		my $list = ref $answer ne 'ARRAY' ? [ [ 200, $answer ] ]
		    : ref $answer->[0] eq 'ARRAY' ? $answer : [$answer];

		push @rules, { method => $method, path => "^$pattern\$", list => $list };
	}
	my $text = $json->encode(\@rules);
	return <<"JS";
(() => {
	const rules = $text.map((rule) => ({ ...rule, path: new RegExp(rule.path) }));
	const real = window.fetch;

	window.asked = [];
	window.fetch = async (where, init = {}) => {
		const url = new URL(where, location.origin);
		const method = init.method ?? 'GET';
		const rule = url.origin === location.origin &&
		    rules.find((one) => one.method === method && one.path.test(url.pathname));

		if (!rule)
			return real(where, init);
		window.asked.push({ method, path: url.pathname,
		    query: Object.fromEntries(url.searchParams),
		    body: init.body ? JSON.parse(init.body) : null });
		const [status, body] = rule.list.length > 1 ? rule.list.shift() : rule.list[0];
		const problem = status >= 400;

		return new Response(status === 204 ? null : JSON.stringify(body), { status,
		    headers: { 'Content-Type':
			problem ? 'application/problem+json' : 'application/json' } });
	};
})();
JS
}

1;
