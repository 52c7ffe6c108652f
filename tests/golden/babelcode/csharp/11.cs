class Solution {
    public string StringXor(string a, string b) {
        return string.Concat(a.Zip(b, (x, y) => x == y ? '0' : '1'));
    }
}
