"""Lesson 01: the right answers pass, and each likely mistake is told what it is."""

from frame import frame

from course_lib.checks import lesson_01 as check


def right_posterior(likelihood, prior):
    joint = likelihood + prior
    return joint - joint.logsumexp(1, keepdim=True)


def right_mle(x):
    return x.mean(), ((x - x.mean()) ** 2).mean().sqrt()


def right_surplus(rolls, p, q):
    return (p[rolls] / q[rolls]).log().mean()


RIGHT = {check.log_posterior: right_posterior, check.gaussian_mle: right_mle, check.surplus: right_surplus}


WRONG = [
    (check.log_posterior, lambda lik, prior: lik + prior, "log p(x, y)"),
    (check.log_posterior, lambda lik, prior: (lik + prior) / (lik + prior).sum(1)[:, None], "log of a quotient"),
    (check.surplus, lambda rolls, p, q: (p * (p / q).log())[rolls].mean(), "weighted twice"),
    (check.log_posterior, lambda lik, prior: lik.log_softmax(1), "prior plays no part"),
    (check.log_posterior, lambda lik, prior: right_posterior(lik, prior).exp(), "probabilities"),
    (check.log_posterior, lambda lik, prior: (lik + prior).log_softmax(0), "over the batch"),
    (check.log_posterior, lambda lik, prior: lik + prior - lik.logsumexp(1, keepdim=True), "weighs each"),
    (check.log_posterior, lambda lik, prior: (lik * prior).log_softmax(1), "sum of logs"),
    (
        check.log_posterior,
        lambda lik, prior: (lik.exp() * prior.exp() / (lik.exp() * prior.exp()).sum(1, keepdim=True)).log(),
        "stay in logs",
    ),
    (check.gaussian_mle, lambda x: (x.mean(), ((x - x.mean()) ** 2).sum()), "sum of the squared distances"),
    (check.gaussian_mle, lambda x: (x.mean(), (x**2).mean() ** 0.5), "those to 0"),
    (check.gaussian_mle, lambda x: (x.mean(), x.std()), "N - 1"),
    (check.gaussian_mle, lambda x: (x.mean(), right_mle(x)[1] ** 2), "square root"),
    (check.gaussian_mle, lambda x: (x.mean(), x.var()), "one that divides"),
    (check.gaussian_mle, lambda x: (x.median(), right_mle(x)[1]), "median"),
    (check.gaussian_mle, lambda x: (x.mean(), (x - x.mean()).abs().mean()), "absolute"),
    (check.gaussian_mle, lambda x: (x.mean(), right_mle(x)[1].log()), "log of the scale"),
    (check.gaussian_mle, lambda x: right_mle(x)[::-1], "changed places"),
    (check.gaussian_mle, lambda x: (x.std(), x.mean()), "the mean comes first"),
    (check.surplus, lambda rolls, p, q: -q[rolls].log().mean(), "cross-entropy"),
    (check.surplus, lambda rolls, p, q: (p[rolls] / q[rolls]).log().sum(), "sum over the rolls"),
    (check.surplus, lambda rolls, p, q: (p[rolls] - q[rolls]).mean(), "log is missing"),
    (check.surplus, lambda rolls, p, q: (p * (p / q).log()).sum(), "exact KL"),
    (check.surplus, lambda rolls, p, q: (p / q).log().mean(), "mean over the faces"),
    (check.surplus, lambda rolls, p, q: -q[rolls].log().mean() + (p * p.log()).sum(), "same rolls"),
    (check.log_posterior, lambda lik, prior: lik + prior - (lik + prior).exp().sum(1, keepdim=True).log(), "one safe step"),
    (check.surplus, lambda rolls, p, q: -right_surplus(rolls, p, q), "sign"),
]

TestLesson01 = frame(check, RIGHT, WRONG)


def test_a_sum_without_keepdim_is_told_so():
    verdict = check.log_posterior(lambda lik, prior: lik + prior - (lik + prior).logsumexp(1), record=False)
    assert verdict.status == "raised"
    assert "keepdim" in verdict.hint
