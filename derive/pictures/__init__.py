"""Circuits as pictures: layered layout, drawing, SVG, TikZ, Mermaid.

Boxes and wires come in; a drawing, and text that shows it, leaves. The law: no two things
overlap, and a picture says nothing that its circuit does not.
"""
