#include <bits/stdc++.h>
using namespace std;

vector<int> parse_nested_parens(string text) {
    vector<int> found;
    stringstream groups(text);
    string group;
    while (groups >> group) {
        int level = 0, deepest = 0;
        for (char letter : group) {
            if (letter == '(') {
                level++;
                deepest = max(level, deepest);
            } else {
                level--;
            }
        }
        found.push_back(deepest);
    }
    return found;
}

map<string, int> histogram(string words) {
    map<string, int> counts, kept;
    stringstream stream(words);
    string word;
    while (stream >> word) counts[word]++;
    int most = 0;
    for (const auto& [key, count] : counts) most = max(most, count);
    for (const auto& [key, count] : counts)
        if (count == most) kept[key] = count;
    return kept;
}

string encode(int value) { return to_string(value); }
string encode(const string& value) { return "\"" + value + "\""; }
template <class T> string encode(const vector<T>& value) {
    string text = "[";
    for (const auto& item : value) text += (text.size() > 1 ? "," : "") + encode(item);
    return text + "]";
}
template <class K, class V> string encode(const map<K, V>& value) {
    string text = "[";
    for (const auto& [key, item] : value)
        text += string(text.size() > 1 ? "," : "") + "[" + encode(key) + "," + encode(item) + "]";
    return text + "]";
}
template <class F> void report(int index, F call) {
    try {
        cout << "\nSALT " << index << " value " << encode(call()) << endl;
    } catch (const exception& error) {
        cout << "\nSALT " << index << " raised " << typeid(error).name() << endl;
    }
}

int main() {
    report(0, [] { return parse_nested_parens("(()()) ((())) () ((())()())"); });
    report(1, [] { return parse_nested_parens("() (()) ((())) (((())))"); });
    report(2, [] { return parse_nested_parens("(()(())((())))"); });
    report(3, [] { return histogram("a b c a"); });
    report(4, [] { return histogram("a b b a"); });
    report(5, [] { return histogram(""); });
}
