function getPositive(l) {
    return l.filter(each => each > 0);
}
