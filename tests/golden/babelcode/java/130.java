class Solution {
    public ArrayList<Float> tri(Integer n) {
        ArrayList<Float> values = new ArrayList<>(List.of(1f));
        for (int i = 1; i <= n; i++) {
            if (i == 1) values.add(3f);
            else if (i % 2 == 0) values.add(1f + i / 2);
            else values.add(values.get(i - 1) + values.get(i - 2) + 1 + (i + 1) / 2);
        }
        return values;
    }
}
