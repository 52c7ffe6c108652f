function checkDictCase(dict) {
    const keys = Object.keys(dict);
    if (keys.length === 0) {
        return false;
    }
    return keys.every(key => /^[a-z]+$/.test(key)) || keys.every(key => /^[A-Z]+$/.test(key));
}
