class Solution {
    public Dictionary<string, int> Histogram(string test) {
        var counts = new Dictionary<string, int>();
        foreach (string word in test.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries)) {
            int count;
            counts.TryGetValue(word, out count);
            counts[word] = count + 1;
        }
        int most = counts.Count == 0 ? 0 : counts.Values.Max();
        return counts.Where(entry => entry.Value == most).ToDictionary(entry => entry.Key, entry => entry.Value);
    }
}
