string stringXor(string a, string b) {
    string result;
    for (size_t i = 0; i < a.size() && i < b.size(); i++) result += a[i] == b[i] ? '0' : '1';
    return result;
}
