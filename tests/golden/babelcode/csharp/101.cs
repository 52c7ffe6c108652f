class Solution {
    public List<string> WordsString(string s) {
        return s.Split(new[] { ',', ' ' }, StringSplitOptions.RemoveEmptyEntries).ToList();
    }
}
