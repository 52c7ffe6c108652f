function belowThreshold(l, t) {
    return l.every(each => each < t);
}
