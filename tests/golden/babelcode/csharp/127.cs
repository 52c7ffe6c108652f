class Solution {
    public string Intersection(List<int> interval1, List<int> interval2) {
        int length = Math.Min(interval1[1], interval2[1]) - Math.Max(interval1[0], interval2[0]);
        if (length < 2) return "NO";
        for (int i = 2; i < length; i++) if (length % i == 0) return "NO";
        return "YES";
    }
}
