class Solution {
    public List<int> RollingMax(List<int> numbers) {
        var maxima = new List<int>();
        foreach (int n in numbers) maxima.Add(maxima.Count == 0 ? n : Math.Max(maxima.Last(), n));
        return maxima;
    }
}
