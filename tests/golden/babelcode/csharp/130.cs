class Solution {
    public List<float> Tri(int n) {
        var values = new List<float> { 1 };
        for (int i = 1; i <= n; i++) {
            if (i == 1) values.Add(3);
            else if (i % 2 == 0) values.Add(1 + i / 2);
            else values.Add(values[i - 1] + values[i - 2] + 1 + (i + 1) / 2);
        }
        return values;
    }
}
